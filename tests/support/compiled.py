"""Compiled models whose scores are the first three features, until the first one asks for a fault."""

from functools import cache

from onnx import NodeProto, TensorProto, helper

CALM, WILD = 5.0, 1e15
"""Values of the first feature: without the fault, and with it."""


@cache
def misbehaving(fault: str) -> bytes:
    """An ONNX file of four features that `loops`, `raises` or has another `shape`."""
    table = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None, None]) for name in ("x", "y")]
    nodes = [
        helper.make_node("ReduceMax", ["x", "rows"], ["largest"], keepdims=0),
        helper.make_node("Gather", ["largest", "0"], ["first"]),
        helper.make_node("Cast", ["first"], ["n"], to=TensorProto.INT64),
        helper.make_node("Clip", ["n", "0", "99"], ["at_most_99"]),
        helper.make_node("Equal", ["at_most_99", "99"], ["wild"]),
        helper.make_node("Cast", ["wild"], ["one_if_wild"], to=TensorProto.INT64),
        helper.make_node("Slice", ["x", "starts", "ends", "columns"], ["three"]),
        *_FAULTS[fault],
    ]
    constants = {"0": 0, "99": 99}
    vectors = {"rows": [0], "starts": [0], "ends": [3], "columns": [1]}
    graph = helper.make_graph(
        nodes,
        fault,
        table[:1],
        table[1:],
        [helper.make_tensor(name, TensorProto.INT64, [], [value]) for name, value in constants.items()]
        + [helper.make_tensor(name, TensorProto.INT64, [1], value) for name, value in vectors.items()]
        + [helper.make_tensor("yes", TensorProto.BOOL, [], [True])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    data: bytes = model.SerializeToString()
    return data


def _loop() -> NodeProto:
    value = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, None) for name in ("v", "w")]
    flags = [helper.make_tensor_value_info(name, TensorProto.BOOL, []) for name in ("on", "goes_on")]
    body = helper.make_graph(
        [helper.make_node("Identity", ["on"], ["goes_on"]), helper.make_node("Identity", ["v"], ["w"])],
        "body",
        [helper.make_tensor_value_info("i", TensorProto.INT64, []), flags[0], value[0]],
        [flags[1], value[1]],
    )
    return helper.make_node("Loop", ["n", "yes", "three"], ["y"], body=body)


_FAULTS = {
    "loops": [_loop()],
    "raises": [
        helper.make_node("Mul", ["99", "one_if_wild"], ["column"]),
        helper.make_node("Gather", ["x", "column"], ["there_is_none"], axis=1),
        helper.make_node("Identity", ["three"], ["y"]),
    ],
    "shape": [
        helper.make_node("Sub", ["ends", "one_if_wild"], ["fewer"]),
        helper.make_node("Slice", ["x", "starts", "fewer", "columns"], ["y"]),
    ],
}
