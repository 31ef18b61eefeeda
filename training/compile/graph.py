"""Builds ONNX graphs of plain nodes in double precision, as expressions over tensors."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from skylift.predictors import EXACT_PRODUCER

OPSET = 21
TREES_OPSET = 5
TREES_DOMAIN = "ai.onnx.ml"

_IR_VERSION = 10  # of the versions that onnxruntime reads, one that has this operator set
_INPUT, _OUTPUT = "rows", "scores"

type Operand = "Tensor" | float | NDArray[Any]


class Graph:
    """A graph under construction, from encoded rows to scores.

    Parameters
    ----------
    width
        Number of columns of the encoded rows.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []

    @property
    def rows(self) -> "Tensor":
        """Input of the graph, float64 `[n, width]`."""
        return Tensor(self, _INPUT)

    def constant(self, values: ArrayLike) -> "Tensor":
        """Tensor of fixed values; floats of any size become float64."""
        array = np.asarray(values)
        if array.dtype.kind == "f":
            array = array.astype(np.float64)
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name))
        return Tensor(self, name)

    def add(self, operator: str, inputs: Iterable[Operand], *, domain: str = "", **attributes: Any) -> "Tensor":
        """Add a node with one output.

        Parameters
        ----------
        operator
            Name of the ONNX operator, for example `Softmax`.
        inputs
            Tensors of this graph; numbers and arrays become constants.
        domain
            Operator set, the main one by default.
        attributes
            Attributes of the node, by name.
        """
        tensors = [value if isinstance(value, Tensor) else self.constant(value) for value in inputs]
        name = f"value_{len(self._nodes)}"
        self._nodes.append(
            helper.make_node(operator, [tensor.name for tensor in tensors], [name], domain=domain, **attributes)
        )
        return Tensor(self, name)

    def model(self, width: int) -> ModelProto:
        """Finish the graph: what was added last is its output.

        Parameters
        ----------
        width
            Number of classes, or 1 for a regression.
        """
        self._nodes[-1].output[:] = [_OUTPUT]
        graph = helper.make_graph(
            self._nodes,
            "skylift",
            [helper.make_tensor_value_info(_INPUT, TensorProto.DOUBLE, [None, self._width])],
            [helper.make_tensor_value_info(_OUTPUT, TensorProto.DOUBLE, [None, width])],
            initializer=self._constants,
        )
        sets = [helper.make_opsetid("", OPSET), helper.make_opsetid(TREES_DOMAIN, TREES_OPSET)]
        return helper.make_model(graph, producer_name=EXACT_PRODUCER, opset_imports=sets, ir_version=_IR_VERSION)


class Tensor:
    """Value in a graph; arithmetic on it adds nodes.

    Parameters
    ----------
    graph
        Graph that holds it.
    name
        Name in the graph.

    Examples
    --------
    >>> rows = Graph(width=2).rows
    >>> ((rows - 1.0) / 2.0).name
    'value_1'
    """

    def __init__(self, graph: Graph, name: str) -> None:
        self.graph = graph
        self.name = name

    def apply(self, operator: str, *others: Operand, **attributes: Any) -> "Tensor":
        """Add a node whose first input this is; see `Graph.add`."""
        return self.graph.add(operator, (self, *others), **attributes)

    def __add__(self, other: Operand) -> "Tensor":
        return self.apply("Add", other)

    def __sub__(self, other: Operand) -> "Tensor":
        return self.apply("Sub", other)

    def __rsub__(self, other: float) -> "Tensor":
        return self.graph.add("Sub", (other, self))

    def __mul__(self, other: Operand) -> "Tensor":
        return self.apply("Mul", other)

    def __truediv__(self, other: Operand) -> "Tensor":
        return self.apply("Div", other)

    def __matmul__(self, other: Operand) -> "Tensor":
        # Gemm: onnxruntime fuses MatMul with the scale before or after it into an attribute of single precision.
        return self.apply("Gemm", other)

    def columns(self, indices: Iterable[int]) -> "Tensor":
        """Columns by position, `[n, len(indices)]`; a column may be taken more than once."""
        return self.apply("Gather", np.array([*indices], dtype=np.int64), axis=1)

    def where(self, condition: "Tensor", other: Operand) -> "Tensor":
        """Values of this tensor where a condition holds, of another elsewhere."""
        return self.graph.add("Where", (condition, self, other))

    def as_double(self) -> "Tensor":
        """Values as float64."""
        return self.apply("Cast", to=TensorProto.DOUBLE)

    def as_single(self) -> "Tensor":
        """Values as float32."""
        return self.apply("Cast", to=TensorProto.FLOAT)

    def as_integers(self) -> "Tensor":
        """Values as int64."""
        return self.apply("Cast", to=TensorProto.INT64)

    def row_sums(self) -> "Tensor":
        """Sums of the rows, `[n, 1]`."""
        return self.apply("ReduceSum", np.array([1]), keepdims=1)

    def softmax(self) -> "Tensor":
        """Softmax of each row."""
        return self.apply("Softmax", axis=1)

    def logistic(self) -> "Tensor":
        """Logistic function.

        Plain nodes: onnxruntime's `Sigmoid` computes small results as 1 minus a number near 1, which leaves no digit.
        """
        return ((self * -1.0).apply("Exp") + 1.0).apply("Reciprocal")


def concatenate(tensors: list[Tensor]) -> Tensor:
    """Tensors side by side, `[n, sum of widths]`."""
    first, *others = tensors
    return first.apply("Concat", *others, axis=1) if others else first


def two_classes(positive: Tensor) -> Tensor:
    """Probabilities of two classes, `[n, 2]`, from that of the second, `[n, 1]`.

    What rounds to more than 1 would leave less than nothing for the first.
    """
    positive = positive.apply("Clip", 0.0, 1.0)
    return concatenate([1.0 - positive, positive])


def shares(parts: Tensor, classes: int) -> Tensor:
    """Shares of the parts in their sum, `[n, classes]`; of no sum, equal ones."""
    total = parts.row_sums()
    return (parts / total).where(total.apply("Greater", 0.0), 1.0 / classes)
