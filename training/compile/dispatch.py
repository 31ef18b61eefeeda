"""What a converter is: a function from a fitted estimator and its input to its output in a graph.

Each family of estimators registers its converters in its own module, by class; see `exact`, which imports those of
scikit-learn. Those of a library that need not be installed are imported with the first of its estimators. A subclass is
converted as its base where it changes only how it is fitted: rows of a gate cannot show what its own methods answer
elsewhere.
"""

import inspect
import sys
from functools import singledispatch
from importlib import import_module
from typing import Any

from sklearn.base import is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection._classification_threshold import BaseThresholdClassifier
from sklearn.model_selection._search import BaseSearchCV
from sklearn.semi_supervised import SelfTrainingClassifier

from skylift.libraries import LIBRARIES
from skylift.scoring import Matrix
from training.compile.graph import Tensor
from training.compile.trees import Splits

_CONVERTED = {"sklearn", *LIBRARIES}
_FITTING = ("fit", "_fit", "partial_fit", "score")
_LIBRARIES = {
    "catboost": "training.compile.catboost_trees",
    "lightgbm": "training.compile.lightgbm_trees",
    "xgboost": "training.compile.xgboost_trees",
}


@singledispatch
def score(estimator: Any, rows: Tensor) -> Tensor:
    """Convert the last step of a pipeline.

    Parameters
    ----------
    estimator
        Fitted classifier or regressor.
    rows
        Input tensor, float64 `[n, features]`.

    Returns
    -------
    Probabilities, float64 `[n, classes]`, or values, float64 `[n, 1]`.

    Raises
    ------
    NotImplementedError
        There is no converter for the class or for one of its options.
    """
    if _imports_converters_of(estimator):
        return score(estimator, rows)
    raise NotImplementedError(f"no converter for {type(estimator).__name__}")


@singledispatch
def answers(estimator: Any, rows: Matrix) -> Matrix:
    """Answers that a compiled form must give: probabilities `[n, classes]`, or values `[n]`, as precise as they come.

    Parameters
    ----------
    estimator
        Fitted classifier or regressor, or a pipeline that ends in one.
    rows
        Encoded rows, float64 `[n, features]`.
    """
    if _imports_converters_of(estimator):
        return answers(estimator, rows)
    answer = estimator.predict_proba if is_classifier(estimator) else estimator.predict
    given: Matrix = answer(rows)
    return given


@singledispatch
def splits_of(estimator: Any) -> Splits | None:
    """Trees of a fitted estimator of a library that has trees of its own kind; None of all others."""
    return splits_of(estimator) if _imports_converters_of(estimator) else None


@singledispatch
def decide(estimator: Any, rows: Tensor) -> Tensor:
    """Convert a classifier's decision function: `[n, 1]` for two classes, else `[n, classes]`; see `score`.

    Without one its probabilities stand for it, as in scikit-learn: of two classes that of the second.
    """
    if hasattr(estimator, "decision_function"):
        raise NotImplementedError(f"no converter for the decision function of {type(estimator).__name__}")
    probabilities: Tensor = score(estimator, rows)
    return probabilities.columns([1]) if len(estimator.classes_) == 2 else probabilities


@singledispatch
def transform(transformer: Any, rows: Tensor) -> Tensor:
    """Convert a fitted transformer; see `score`."""
    raise NotImplementedError(f"no converter for {type(transformer).__name__}")


@singledispatch
def restore(transformer: Any, values: Tensor) -> Tensor:
    """Convert the inverse of a transformer of targets; see `score`."""
    raise NotImplementedError(f"no converter for the inverse of {type(transformer).__name__}")


def wrapped(estimator: Any) -> Any:
    """The fitted estimator by which another one answers: of a search the best; None of one that answers by itself."""
    if isinstance(estimator, FrozenEstimator):
        return estimator.estimator
    if isinstance(estimator, BaseSearchCV):
        return estimator.best_estimator_
    if isinstance(estimator, BaseThresholdClassifier):  # of one that was fitted before it has no other
        return getattr(estimator, "estimator_", estimator.estimator)
    return estimator.estimator_ if isinstance(estimator, SelfTrainingClassifier) else None


def own_answers(estimator: Any) -> str | None:
    """What a subclass answers by itself, in an estimator or in one within it; None where all answer as their bases."""
    for part in [estimator, *estimator.get_params().values()]:
        kinds = type(part).__mro__
        known = [kind for kind in kinds if _package(kind) in _CONVERTED]
        own = [
            name
            for kind in kinds
            if known and kind is not object and _package(kind) not in _CONVERTED
            for name, member in vars(kind).items()
            if (inspect.isfunction(member) or isinstance(member, property))
            and not name.startswith(("__", *_FITTING))
            and any(hasattr(base, name) for base in known)
        ]
        if own:
            return f"no converter for {', '.join(own)} of {type(part).__name__}"
    return None


def _package(kind: type) -> str:
    return kind.__module__.partition(".")[0]


def _imports_converters_of(estimator: Any) -> bool:
    """Import the converters of the library that an estimator is from; whether they were not yet."""
    packages = {base.__module__.partition(".")[0] for base in type(estimator).__mro__}
    missing = [module for name, module in _LIBRARIES.items() if name in packages and module not in sys.modules]
    for module in missing:
        import_module(module)
    return bool(missing)
