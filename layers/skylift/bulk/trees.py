"""Reads the thresholds of a compiled model of trees, without the package `onnx`.

A file of ONNX is a message of Protocol Buffers: fields of a number and a type, each with its value
(https://protobuf.dev/programming-guides/encoding/; numbers of fields from onnx.proto3).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

_MODEL_GRAPH = 7
_GRAPH_NODE, _GRAPH_INPUT = 1, 11
_VALUE_NAME = 1
_NODE_INPUT, _NODE_OUTPUT, _NODE_TYPE, _NODE_ATTRIBUTE = 1, 2, 4, 5
_ATTRIBUTE_NAME, _ATTRIBUTE_INT, _ATTRIBUTE_TENSOR, _ATTRIBUTE_INTS = 1, 3, 5, 8
_TENSOR_RAW = 9
_FLOAT, _DOUBLE = 1, 11
_LESS_OR_EQUAL, _MEMBER = 0, 6

type _Field = tuple[int, int | bytes]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """All that a model of trees asks of a row.

    Parameters
    ----------
    columns
        Values at which a column is cut, rising: a model cannot tell apart two rows that are between the same cuts,
        where a cut belongs to what is below it.
    rounded
        Whether the rows are rounded to float32 before.
    """

    columns: tuple[NDArray[np.float64], ...]
    rounded: bool


def read_thresholds(data: bytes, width: int) -> Thresholds | None:
    """The thresholds of a compiled model; None where it asks anything else of a row.

    Parameters
    ----------
    data
        Bytes of a file that Skylift's own converters made.
    width
        Number of columns of a row.
    """
    (graph,) = (value for number, value in _fields(data) if number == _MODEL_GRAPH)
    fields = list(_fields(_bytes(graph)))
    (name,) = (
        value
        for number, entry in fields
        if number == _GRAPH_INPUT
        for field, value in _fields(_bytes(entry))
        if field == _VALUE_NAME
    )
    nodes = [_Node.read(_bytes(value)) for number, value in fields if number == _GRAPH_NODE]
    rows = {_bytes(name): "given"}
    cuts: list[set[float]] = [set() for _ in range(width)]
    forms = set()
    for node in nodes:
        taken = [rows[name] for name in node.inputs if name in rows]
        if not taken:
            continue
        if node.operator == b"Cast" and (cast := _cast(taken[0], node.target)) is not None:
            rows[node.output] = cast
        elif node.operator == b"TreeEnsemble" and taken[0] in {"given", "rounded"}:
            forms.add(taken[0])
            if not node.add_cuts(cuts):
                return None
        else:
            return None
    if len(forms) != 1:
        return None
    return Thresholds(tuple(np.array(sorted(each)) for each in cuts), forms == {"rounded"})


def _cast(form: str, target: int) -> Literal["single", "rounded"] | None:
    if form == "given" and target == _FLOAT:
        return "single"
    return "rounded" if form == "single" and target == _DOUBLE else None


@dataclass(frozen=True, slots=True)
class _Node:
    """A node of the graph."""

    operator: bytes
    inputs: tuple[bytes, ...]
    output: bytes
    attributes: dict[bytes, list[_Field]]

    @classmethod
    def read(cls, data: bytes) -> "_Node":
        fields = list(_fields(data))
        attributes = [list(_fields(_bytes(value))) for number, value in fields if number == _NODE_ATTRIBUTE]
        return cls(
            next(_bytes(value) for number, value in fields if number == _NODE_TYPE),
            tuple(_bytes(value) for number, value in fields if number == _NODE_INPUT),
            next(_bytes(value) for number, value in fields if number == _NODE_OUTPUT),
            {next(_bytes(value) for number, value in each if number == _ATTRIBUTE_NAME): each for each in attributes},
        )

    @property
    def target(self) -> int:
        """Type that a cast casts to."""
        return next(value for number, value in self.attributes[b"to"] if number == _ATTRIBUTE_INT and value)  # type: ignore[return-value]

    def add_cuts(self, cuts: list[set[float]]) -> bool:
        """Add where the trees cut columns; whether each cut is understood."""
        features, modes = self._integers(b"nodes_featureids"), self._tensor(b"nodes_modes", np.uint8)
        splits, members = self._tensor(b"nodes_splits", np.float64), self._tensor(b"membership_values", np.float64)
        if len(features) != len(modes) or len(modes) != len(splits) or not set(modes.tolist()) <= {0, 6}:
            return False
        for feature, mode, split in zip(features, modes.tolist(), splits.tolist(), strict=True):
            if mode == _LESS_OR_EQUAL:
                cuts[feature].add(split)
        ends = np.flatnonzero(np.isnan(members))  # each set is closed by NaN
        sets = np.split(members, ends + 1)[: len(ends)]
        sought = [feature for feature, mode in zip(features, modes.tolist(), strict=True) if mode == _MEMBER]
        if len(sets) != len(sought):
            return False
        for feature, values in zip(sought, sets, strict=True):
            cuts[feature].update(values[:-1].tolist(), np.nextafter(values[:-1], -np.inf).tolist())
        return True

    def _integers(self, name: bytes) -> list[int]:
        found = []
        for number, value in self.attributes[name]:
            if number == _ATTRIBUTE_INTS:
                found += list(_varints(value)) if isinstance(value, bytes) else [value]
        return found

    def _tensor[T: np.generic](self, name: bytes, dtype: type[T]) -> NDArray[T]:
        for number, value in self.attributes.get(name, ()):
            if number == _ATTRIBUTE_TENSOR:
                raw = [_bytes(each) for field, each in _fields(_bytes(value)) if field == _TENSOR_RAW]
                return np.frombuffer(b"".join(raw), dtype)
        return np.empty(0, dtype)


def _bytes(value: int | bytes) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("a number where a message should be")  # noqa: TRY004 (of bytes, not of Python)
    return value


def _fields(data: bytes) -> Iterator[_Field]:
    """The fields of a message: numbers, and bytes of everything else."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        match key & 7:
            case 0:
                number, place = _varint(data, place)
                yield key >> 3, number
            case 2:
                size, place = _varint(data, place)
                yield key >> 3, data[place : place + size]
                place += size
            case kind:
                size = {1: 8, 5: 4}[kind]
                yield key >> 3, data[place : place + size]
                place += size


def _varints(data: bytes) -> Iterator[int]:
    place = 0
    while place < len(data):
        number, place = _varint(data, place)
        yield number


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """A number in groups of seven bits, and the place behind it."""
    number = shift = 0
    while True:
        byte = data[place]
        place += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, place
        shift += 7
