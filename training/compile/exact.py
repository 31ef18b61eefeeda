"""Converts the estimators that Skylift knows to ONNX itself, in double precision."""

from typing import Any

from skylift.contract import Contract
from training.compile import boosting, encoders, ensembles, features, forests, kernels, linear, preparation
from training.compile.dispatch import score
from training.compile.graph import Graph

FAMILIES = (boosting, encoders, ensembles, features, forests, kernels, linear, preparation)
"""Modules whose converters `dispatch` has by importing them."""


def convert(estimator: Any, contract: Contract) -> Any:
    """Convert a fitted estimator.

    Parameters
    ----------
    estimator
        Fitted classifier, regressor or pipeline.
    contract
        Contract of the rows that it takes.

    Returns
    -------
    ONNX model, from encoded rows to probabilities or values, both float64.

    Raises
    ------
    NotImplementedError
        There is no converter for a part of it.
    """
    graph = Graph(contract.width)
    score(estimator, graph.rows)
    return graph.model(max(len(contract.target.classes), 1))
