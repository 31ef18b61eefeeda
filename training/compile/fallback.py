"""Converts what Skylift does not know itself by skl2onnx, in double or single precision."""

import warnings
from typing import Any

import numpy as np
from onnx import ModelProto

from skylift.contract import Contract
from training.compile.parity_rows import sklearn_trees


def convert(estimator: Any, contract: Contract, dtype: str) -> ModelProto:
    """Convert a fitted estimator; see `exact.convert`.

    Parameters
    ----------
    estimator, contract
        Fitted estimator, and the contract of the rows that it takes.
    dtype
        `float64` or `float32`, of the rows.
    """
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    tensor = FloatTensorType if dtype == "float32" else DoubleTensorType
    options = {"zipmap": False} if contract.task == "classification" else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the parity gate judges, not the converter's opinion of versions
        model: ModelProto = to_onnx(
            estimator, name="skylift", initial_types=[("rows", tensor([None, contract.width]))], options=options
        )
    while len(model.graph.output) > 1:  # the label: it follows from the probabilities
        model.graph.output.pop(0)
    _send_missing_values_as_trained(model, estimator)
    # skl2onnx collects operator sets in a set of strings, whose order is the process's.
    model.opset_import.sort(key=lambda entry: entry.domain)
    return model


def _send_missing_values_as_trained(model: ModelProto, estimator: Any) -> None:
    """Give the tree nodes the side that missing values take, which the converter leaves out."""
    sides = [
        side
        for tree in sklearn_trees(estimator)
        for side in np.where(tree.children_left != tree.children_right, tree.missing_go_to_left, 0).tolist()
    ]
    for node in model.graph.node:
        if node.op_type in {"TreeEnsembleClassifier", "TreeEnsembleRegressor"}:
            attributes = {attribute.name: attribute for attribute in node.attribute}
            tracks = attributes.get("nodes_missing_value_tracks_true")
            if tracks is not None and len(tracks.ints) == len(sides):
                tracks.ints[:] = sides
