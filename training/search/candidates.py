"""How a candidate's estimator is built around the contract."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

from skylift.contract import ClassName, Contract
from skylift.errors import ConfigError
from skylift.libraries import LIBRARIES
from skylift.own_code import NO_CODE, OwnCode
from training.config import Candidate
from training.config.candidates import Nested
from training.config.search_space import Params
from training.search.estimators import innermost, instantiate
from training.search.preparation import for_categories, for_numbers

_OF_ONE_SCALE = (
    "sklearn.svm.SVR",
    "sklearn.svm.LinearSVR",
    "sklearn.linear_model.SGDRegressor",
    "sklearn.linear_model.HuberRegressor",
    "sklearn.neural_network.MLPRegressor",
)
_WEIGHTS = {"class_weight", "class_weights", "auto_class_weights", "scale_pos_weight", "is_unbalance", "unbalance"}
"""Parameters of scikit-learn and the boosting libraries that weigh rows by their class."""
_TREES = ("sklearn.ensemble", "sklearn.tree", *LIBRARIES)


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
    classes
        Classes by their codes, as `model.yaml` may name them in weights.
    """

    candidate: Candidate
    estimator: Any
    path: str
    classes: tuple[ClassName, ...] = ()

    def with_params(self, params: Params) -> Any:
        """An unfitted estimator with these parameters, by their names in `model.yaml`."""
        named = {f"{self.path}{name}": self._by_code(value) for name, value in params.items()}
        return clone(self.estimator).set_params(**named)

    def _by_code(self, value: Any) -> Any:
        return weights_by_code(value, self.classes)


def build(candidate: Candidate, contract: Contract, *, folds: int, seed: int, code: OwnCode = NO_CODE) -> Built:
    """Build a candidate's estimator.

    Parameters
    ----------
    folds
        Number of folds for the calibration of classifiers without probabilities of their own, or with balanced classes.
    seed
        Random seed for estimators that take one and were given none.
    code
        The user's own modules.

    Raises
    ------
    ConfigError
        The class or a parameter does not exist, or the estimator is of the other task.
    """
    classes = contract.target.classes
    coded = candidate.model_copy(update={"params": _with_codes(candidate.params, classes)})
    model = instantiate(coded, seed, code)
    classifies = contract.task == "classification"
    if not (is_classifier if classifies else is_regressor)(model):
        kind = "classifier" if classifies else "regressor"
        raise ConfigError(f"candidate {candidate.name}: {candidate.estimator} is not a {kind}", "choose another")
    trees = all(map(_splits, innermost(model)))
    if _takes_categories(candidate, model):
        steps, places = for_categories(contract, bins=model.max_bins, seed=seed)
        model.set_params(categorical_features=places)
    else:
        scale = not trees if candidate.scale is None else candidate.scale
        takes_missing = bool(get_tags(model).input_tags.allow_nan)
        steps = for_numbers(contract, scale=scale, impute=not takes_missing, trees=trees, seed=seed)
    path = ""
    if candidate.scale is not False and _needs_scaled_target(candidate, model):
        model, path = TransformedTargetRegressor(model, transformer=StandardScaler()), "regressor__"
    if classifies and (not hasattr(model, "predict_proba") or _is_weighted(candidate, model)):
        model, path = CalibratedClassifierCV(model, ensemble=False, cv=folds), "estimator__"
    estimator = Pipeline([*steps, ("model", model)]) if steps else model
    path = f"model__{path}" if steps else path
    return Built(candidate, estimator, path, classes)


def _takes_categories(candidate: Candidate, model: Any) -> bool:
    """Whether the estimator can be told which columns hold codes, and `model.yaml` does not tell it."""
    searched = candidate.search.parameters if candidate.search else {}
    chosen = "categorical_features" in {*candidate.params, *searched} or "max_bins" in searched
    return "categorical_features" in model.get_params() and not chosen


def _needs_scaled_target(candidate: Candidate, model: Any) -> bool:
    """Whether a regressor fits only targets of about its own scale, and was not tuned to another."""
    chosen = {*candidate.params, *(candidate.search.parameters if candidate.search else ())}
    return candidate.estimator in _OF_ONE_SCALE and not chosen & {"epsilon", "tol"} and is_regressor(model)


def weights_by_code(value: Any, classes: Sequence[ClassName]) -> Any:
    """A parameter whose keys are the names of classes, by their codes; any other as it is."""
    if not isinstance(value, dict) or not value or not value.keys() <= {*classes}:
        return value
    return {code: value[name] for code, name in enumerate(classes) if name in value}


def _with_codes(params: Params, classes: Sequence[ClassName]) -> Params:
    """Parameters with weights by the codes of classes, those of estimators within them too."""

    def coded(value: Any) -> Any:
        if isinstance(value, Nested):
            return value.model_copy(update={"params": _with_codes(value.params, classes)})
        return [coded(item) for item in value] if isinstance(value, list) else weights_by_code(value, classes)

    return {name: coded(value) for name, value in params.items()}


def _is_weighted(candidate: Candidate, model: Any) -> bool:
    """Whether rows are weighted by class: probabilities are then those of another table, until they are calibrated."""
    searched = candidate.search.parameters if candidate.search else {}
    drawn = {name: space if isinstance(space, list) else [space.high] for name, space in searched.items()}
    given = [*_given(candidate.params), *((name, value) for name, space in drawn.items() for value in space)]
    weighted = any(name.rpartition("__")[2] in _WEIGHTS and _weighs(value) for name, value in given)
    return weighted and not isinstance(model, CalibratedClassifierCV)


def _weighs(value: Any) -> bool:
    """Whether a parameter makes weights differ: not if it is off, and not a ratio of 1."""
    return value is True or value not in (None, False, 1, "None")


def _given(params: Params) -> Iterator[tuple[str, Any]]:
    """Parameters that `model.yaml` sets, those of estimators within them too."""
    for name, value in params.items():
        yield name, value
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Nested):
                yield from _given(item.params)


def estimates_by_trees(estimator: Any) -> bool:
    """Whether a part of an estimator is a tree or an ensemble of trees."""
    return any(map(_splits, innermost(estimator)))


def _splits(estimator: Any) -> bool:
    return any(base.__module__.startswith(_TREES) for base in type(estimator).__mro__)
