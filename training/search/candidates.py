"""How a candidate's estimator is built around the contract."""

import inspect
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import get_tags

from skylift.contract import Contract
from skylift.errors import ConfigError
from training.config import Candidate
from training.config.search_space import Params

_MISSING_CODE = -1.0
_SIDES = 2
_NUMBERS, _ALL = "numbers", "all"
SEEN_AS_NUMBERS = (_NUMBERS, _ALL)
"""Names of the parts of a preparation that keep columns as they are, or scale them; a part of these comes first."""

_OF_ONE_SCALE = (
    "sklearn.svm.SVR",
    "sklearn.svm.LinearSVR",
    "sklearn.linear_model.SGDRegressor",
    "sklearn.linear_model.HuberRegressor",
    "sklearn.neural_network.MLPRegressor",
)
_TREES = ("sklearn.ensemble", "sklearn.tree")


@dataclass(frozen=True, slots=True)
class Built:
    """A candidate ready to fit.

    Parameters
    ----------
    candidate
        Configuration of the candidate.
    estimator
        Unfitted estimator, from encoded rows to probabilities or values.
    path
        Prefix of the parameters of `candidate` in `estimator`, for example `model__`.
    """

    candidate: Candidate
    estimator: Any
    path: str

    def with_params(self, params: Params) -> Any:
        """An unfitted estimator with these parameters, by their names in `model.yaml`."""
        return clone(self.estimator).set_params(**{f"{self.path}{name}": value for name, value in params.items()})


def build(candidate: Candidate, contract: Contract, *, folds: int, seed: int) -> Built:
    """Build a candidate's estimator.

    Parameters
    ----------
    folds
        Number of folds for the calibration of classifiers without probabilities of their own.
    seed
        Random seed for estimators that take one and were given none.

    Raises
    ------
    ConfigError
        The class or a parameter does not exist, or the estimator is of the other task.
    """
    model = _instantiate(candidate, seed)
    classifies = contract.task == "classification"
    if not (is_classifier if classifies else is_regressor)(model):
        kind = "classifier" if classifies else "regressor"
        raise ConfigError(f"candidate {candidate.name}: {candidate.estimator} is not a {kind}", "choose another")
    scale = candidate.scale if candidate.scale is not None else not candidate.estimator.startswith(_TREES)
    takes_missing = bool(get_tags(model).input_tags.allow_nan)
    if _takes_categories(candidate, model):
        model.set_params(categorical_features=_own_categories(contract, model))
        steps = _with_codes(contract)
    else:
        steps = _preparation(contract, scale=scale, impute=not takes_missing)
    path = ""
    if candidate.scale is not False and _needs_scaled_target(candidate, model):
        model, path = TransformedTargetRegressor(model, transformer=StandardScaler()), "regressor__"
    if classifies and not hasattr(model, "predict_proba"):
        model, path = CalibratedClassifierCV(model, ensemble=False, cv=folds), "estimator__"
    estimator = Pipeline([*steps, ("model", model)]) if steps else model
    path = f"model__{path}" if steps else path
    return Built(candidate, estimator, path)


def _takes_categories(candidate: Candidate, model: Any) -> bool:
    """Whether the estimator can be told which columns hold codes, and `model.yaml` does not tell it."""
    searched = candidate.search.parameters if candidate.search else {}
    chosen = "categorical_features" in {*candidate.params, *searched} or "max_bins" in searched
    return "categorical_features" in model.get_params() and not chosen


def _own_categories(contract: Contract, model: Any) -> list[int] | None:
    """Columns of categories with a bin for each; the codes of others are numbers."""
    columns = _category_columns(contract)
    return [column for column in columns if len(contract.features[column].levels) <= model.max_bins] or None


def _with_codes(contract: Contract) -> list[tuple[str, Any]]:
    """A step that repeats the columns of categories, for an estimator to take as numbers beside the categories.

    scikit-learn's boosting puts no category of fewer than ten rows on a side of its own (`MIN_CAT_SUPPORT`), and where
    one alone has more there is no split at all: not even a missing value is told from all others. Their codes have one.
    """
    features = contract.features
    repeated = [
        index
        for index in _category_columns(contract)
        if len(features[index].levels) > _SIDES or not features[index].required
    ]
    if not repeated:
        return []
    every = list(range(len(features)))
    return [("columns", ColumnTransformer([(_ALL, "passthrough", every), ("codes", "passthrough", repeated)]))]


def _needs_scaled_target(candidate: Candidate, model: Any) -> bool:
    """Whether a regressor fits only targets of about its own scale, and was not tuned to another."""
    chosen = {*candidate.params, *(candidate.search.parameters if candidate.search else ())}
    return candidate.estimator in _OF_ONE_SCALE and not chosen & {"epsilon", "tol"} and is_regressor(model)


def _category_columns(contract: Contract) -> list[int]:
    return [index for index, feature in enumerate(contract.features) if feature.is_nominal]


def _number_columns(contract: Contract) -> list[int]:
    return [index for index, feature in enumerate(contract.features) if not feature.is_nominal]


def estimates_by_trees(estimator: Any) -> bool:
    """Whether the last step of an estimator is one of scikit-learn's trees or ensembles."""
    last = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    return type(last).__module__.startswith(_TREES)


def _instantiate(candidate: Candidate, seed: int) -> Any:
    module, _, name = candidate.estimator.rpartition(".")
    try:
        factory: Any = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"candidate {candidate.name}: there is no {candidate.estimator}", "check the name") from error
    if not (inspect.isclass(factory) and issubclass(factory, BaseEstimator)):
        raise ConfigError(
            f"candidate {candidate.name}: {candidate.estimator} is not a scikit-learn estimator", "choose another"
        )
    try:
        known = cast("Any", factory)().get_params()
    except TypeError as error:
        raise ConfigError(
            f"candidate {candidate.name}: {name} needs other estimators as parameters, which model.yaml cannot give",
            "choose another",
        ) from error
    searched = candidate.search.parameters if candidate.search else {}
    for parameter in [*candidate.params, *searched]:
        if parameter not in known:
            raise ConfigError(f"candidate {candidate.name}: {name} has no parameter {parameter!r}", "check the name")
    seeded = {"random_state": seed} if "random_state" in known else {}
    return factory(**seeded | candidate.params)


def _preparation(contract: Contract, *, scale: bool, impute: bool) -> list[tuple[str, Any]]:
    """Steps before the estimator: none where it can read the encoded rows as they are."""
    numbers = _number_columns(contract)
    categories = _category_columns(contract)
    some_missing = any(not contract.features[index].required for index in numbers)
    on_numbers: list[tuple[str, Any]] = []
    if impute and some_missing:
        on_numbers.append(("impute", SimpleImputer(strategy="median", keep_empty_features=True)))
    if scale:
        on_numbers.append(("scale", StandardScaler()))
    if not categories:
        return on_numbers
    parts: list[tuple[str, Any, list[int]]] = []
    if numbers:
        parts.append((_NUMBERS, Pipeline(on_numbers) if on_numbers else "passthrough", numbers))
    parts.extend((f"category_{index}", _category(contract, index), [index]) for index in categories)
    return [("columns", ColumnTransformer(parts))]


def _category(contract: Contract, index: int) -> Any:
    """One column per known category, whatever a fold holds, and one for a missing value where training saw any.

    An unknown value gives zeros in all of them, or counts as missing.
    """
    codes = [float(code) for code in range(len(contract.features[index].levels))]
    codes = codes if contract.features[index].required else [_MISSING_CODE, *codes]
    encoder = OneHotEncoder(categories=[codes], handle_unknown="ignore", sparse_output=False)
    if not contract.features[index].may_be_missing:
        return encoder
    missing = SimpleImputer(strategy="constant", fill_value=_MISSING_CODE, keep_empty_features=True)
    return Pipeline([("missing", missing), ("encode", encoder)])
