"""Reads an ONNX file as other tools export it, and gives it the one input and output that a predictor has.

The input is a matrix of encoded rows. Where the file takes a column each, or whole numbers or texts, a few nodes before
it take the matrix apart; where it gives labels and maps of probabilities beside each other, only these are left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from skylift.contract import Contract
from skylift.errors import DataError, UnservableModel
from skylift.feature import Feature

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto

_INPUT = "skylift_rows"
_WAY_OUT = "export it with one input [None, columns] of numbers, or with one [None, 1] for each column, by its name"


@dataclass(frozen=True, slots=True)
class OnnxFile:
    """A model of an ONNX file.

    Parameters
    ----------
    model
        Model with a single output.
    classifies
        Whether the output is probabilities.
    classes
        Classes in their order; None if it does not name them.
    width
        Number of columns of its only input; None if it does not say, or has several.
    names
        Names of its inputs, where each is a column; None for one input.
    """

    model: "ModelProto"
    classifies: bool
    classes: tuple[Any, ...] | None
    width: int | None
    names: tuple[str, ...] | None


def read_onnx(name: str, data: bytes) -> OnnxFile:
    """Read an ONNX file.

    Raises
    ------
    UnservableModel
        It is none, or takes or gives something else than columns, and probabilities or values.
    """
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        model = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise UnservableModel(f"{name} is not an ONNX file", "export the model again") from error
    inputs = _inputs(model)
    widths = [_width(entry) for entry in inputs]
    several = len(inputs) > 1
    if not inputs or (several and set(widths) != {1}) or any(_kind(entry) not in _kinds() for entry in inputs):
        told = ", ".join(f"{entry.name} [{width or '?'}]" for entry, width in zip(inputs, widths, strict=True))
        raise UnservableModel(f"{name} takes {told or 'nothing'}, which are not the columns of a table", _WAY_OUT)
    if any(entry.type.tensor_type.shape.dim[0].dim_value for entry in inputs):
        raise UnservableModel(f"{name} takes a fixed number of rows", _WAY_OUT)
    classifies = len(model.graph.output) > 1 or model.graph.output[0].type.WhichOneof("value") == "sequence_type"
    classes = _only_probabilities(model, name) if classifies else None
    named = several or _kind(inputs[0]) == onnx.TensorProto.STRING
    names = tuple(entry.name for entry in inputs) if named else None
    return OnnxFile(model, classifies, classes, None if several else widths[0], names)


def on_matrix(name: str, file: OnnxFile, contract: Contract, order: Sequence[int] | None = None) -> bytes:
    """The file with one input of encoded rows.

    Parameters
    ----------
    contract
        Contract with the features that it takes, in its order.
    order
        Places of its classes, where these get another order.

    Raises
    ------
    DataError
        A column cannot be what it takes.
    """
    import onnx

    model = onnx.ModelProto()
    model.CopyFrom(file.model)
    graph, inputs = model.graph, _inputs(model)
    if order is not None:
        _reorder(graph, order)
    if len(inputs) > 1 or _kind(inputs[0]) not in {onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE}:
        nodes = []
        for place, entry in enumerate(inputs):
            features = contract.features if file.names is None else contract.features[place : place + 1]
            nodes += _columns(name, graph, entry, features, place)
            graph.input.remove(entry)
        before = [*graph.node]
        del graph.node[:]
        graph.node.extend([*nodes, *before])
        graph.input.append(onnx.helper.make_tensor_value_info(_INPUT, onnx.TensorProto.DOUBLE, [None, contract.width]))
    changed: bytes = model.SerializeToString(deterministic=True)
    return changed


def _inputs(model: "ModelProto") -> list["ValueInfoProto"]:
    stored = {tensor.name for tensor in model.graph.initializer}
    return [entry for entry in model.graph.input if entry.name not in stored]


def _width(entry: "ValueInfoProto") -> int | None:
    dimensions = entry.type.tensor_type.shape.dim
    return (dimensions[1].dim_value or None) if len(dimensions) == 2 else None


def _kind(entry: "ValueInfoProto") -> int:
    return int(entry.type.tensor_type.elem_type)


def _kinds() -> set[int]:
    from onnx import TensorProto

    return {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64, TensorProto.INT32, TensorProto.STRING}


def _columns(
    name: str, graph: "GraphProto", entry: "ValueInfoProto", features: Sequence[Feature], first: int
) -> list["NodeProto"]:
    """Nodes that take the columns of an input out of encoded rows."""
    import onnx

    if any(feature.width > 1 for feature in features):
        wide = next(feature for feature in features if feature.width > 1)
        raise DataError(
            f"{name} takes {wide.name}, which is a {wide.kind}: an ONNX file is given numbers and categories",
            f"adopt the pipeline as .joblib; or set features.{wide.name}.kind: category where its values repeat",
        )
    makes, made = onnx.helper.make_node, f"skylift_{entry.name}"
    places = np.arange(first, first + len(features), dtype=np.int64)
    nodes = [makes("Gather", [_INPUT, _stored(graph, f"{made}_places", places)], [f"{made}_columns"], axis=1)]
    if _kind(entry) == onnx.TensorProto.STRING:
        if len(features) > 1 or not features[0].levels:
            raise DataError(f"{name} takes texts for {features[0].name}, which holds none", _WAY_OUT)
        levels = np.array([*features[0].levels, ""], dtype=object)
        missing = _stored(graph, f"{made}_missing", np.array(float(len(levels) - 1)))
        return [
            *nodes,
            makes("IsNaN", [f"{made}_columns"], [f"{made}_unknown"]),
            makes("Where", [f"{made}_unknown", missing, f"{made}_columns"], [f"{made}_filled"]),
            makes("Cast", [f"{made}_filled"], [f"{made}_codes"], to=onnx.TensorProto.INT64),
            makes("Gather", [_stored(graph, f"{made}_levels", levels), f"{made}_codes"], [entry.name]),
        ]
    if nominal := [feature.name for feature in features if feature.is_nominal]:
        raise DataError(
            f"{name} takes numbers for {nominal[0]}, which holds texts",
            "export the whole pipeline with its encoders, or leave the column out by data.drop",
        )
    whole = _kind(entry) in {onnx.TensorProto.INT64, onnx.TensorProto.INT32}
    if whole and (missing_in := [feature.name for feature in features if not feature.required]):
        raise DataError(
            f"{name} takes whole numbers, which cannot be missing, and {missing_in[0]} may be",
            "export it with inputs of floats; or leave out the rows without a value",
        )
    return [*nodes, makes("Cast", [f"{made}_columns"], [entry.name], to=_kind(entry))]


def _stored(graph: "GraphProto", name: str, values: Any) -> str:
    """Store a constant in a graph; its name."""
    import onnx

    graph.initializer.append(onnx.numpy_helper.from_array(values, name))
    return name


def _reorder(graph: "GraphProto", order: Sequence[int]) -> None:
    """Give the classes of the only output another order."""
    import onnx

    output = graph.output[0]
    places = _stored(graph, "skylift_order", np.array(order, dtype=np.int64))
    graph.node.append(onnx.helper.make_node("Gather", [output.name, places], ["skylift_ordered"], axis=1))
    changed = onnx.helper.make_tensor_value_info(
        "skylift_ordered", output.type.tensor_type.elem_type, [None, len(order)]
    )
    graph.output.remove(output)
    graph.output.append(changed)


def _only_probabilities(model: "ModelProto", name: str) -> tuple[Any, ...] | None:
    """Take the label and maps of probabilities off a classifier; its classes, where it names them."""
    import onnx

    graph = model.graph
    classes = next((known for node in graph.node if (known := _classes(node))), None)
    output = graph.output[-1]
    by_map = next((node for node in graph.node if node.op_type == "ZipMap" and output.name in node.output), None)
    if by_map is not None:
        output = onnx.helper.make_tensor_value_info(by_map.input[0], onnx.TensorProto.FLOAT, [None, len(classes or ())])
        graph.node.remove(by_map)
    elif output.type.WhichOneof("value") != "tensor_type":
        raise UnservableModel(f"{name} ends in something other than probabilities", "export it with zipmap=False")
    del graph.output[:]
    graph.output.append(output)
    return classes


def _classes(node: Any) -> tuple[Any, ...] | None:
    for attribute in node.attribute:
        if attribute.name.startswith("classlabels"):
            return tuple(attribute.ints) or tuple(text.decode() for text in attribute.strings) or None
    return None
