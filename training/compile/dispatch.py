"""What a converter is: a function from a fitted estimator and its input to its output in a graph.

Each family of estimators registers its converters in its own module, by scikit-learn's class; see `exact`, which
imports all of them. A subclass is converted as its base: the parity gate refuses it where it answers differently.
"""

from functools import singledispatch
from typing import Any

from training.compile.graph import Tensor


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
    raise NotImplementedError(f"no converter for {type(estimator).__name__}")


@singledispatch
def decide(estimator: Any, rows: Tensor) -> Tensor:
    """Convert a classifier's decision function: `[n, 1]` for two classes, else `[n, classes]`; see `score`."""
    raise NotImplementedError(f"no converter for the decision function of {type(estimator).__name__}")


@singledispatch
def transform(transformer: Any, rows: Tensor) -> Tensor:
    """Convert a fitted transformer; see `score`."""
    raise NotImplementedError(f"no converter for {type(transformer).__name__}")


@singledispatch
def restore(transformer: Any, values: Tensor) -> Tensor:
    """Convert the inverse of a transformer of targets; see `score`."""
    raise NotImplementedError(f"no converter for the inverse of {type(transformer).__name__}")
