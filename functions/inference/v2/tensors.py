"""Tensors of the protocol: from JSON or bytes to plain values, in which None is missing, and back.

Binary values are little-endian, in row-major order; each element of BYTES has its length in four bytes before it.
"""

import binascii
import math
import struct
from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json

from skylift.http.errors import InvalidTensors

DTYPES = {
    "BOOL": "?",
    **{f"INT{8 * size}": f"<i{size}" for size in (1, 2, 4, 8)},
    **{f"UINT{8 * size}": f"<u{size}" for size in (1, 2, 4, 8)},
    **{f"FP{8 * size}": f"<f{size}" for size in (2, 4, 8)},
}
"""What numpy calls the datatypes of fixed size."""

DATATYPES = (*DTYPES, "BYTES")

_LENGTH = struct.Struct("<I")
_MAX_SHOWN = 60


@dataclass(frozen=True, slots=True)
class InputTensor:
    """A tensor of a request, whose values were not read yet.

    Parameters
    ----------
    name, datatype, shape
        Name, datatype and shape of the request; the first dimension of the shape is rows.
    data
        Values as JSON has them, nested or flat, or their bytes.
    content_type
        How MLServer's codecs wrote them; empty where no codec did.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: list[Any] | memoryview
    content_type: str = ""

    @property
    def is_numeric(self) -> bool:
        """Whether it holds numbers."""
        return self.datatype not in {"BYTES", "BOOL"}

    def values(self) -> list[Any]:
        """The values in row-major order.

        Raises
        ------
        InvalidTensors
            They are not of the datatype, or not as many as the shape says.
        """
        values = self._of_bytes(self.data) if isinstance(self.data, memoryview) else self._of_json(self.data)
        if self.datatype != "BYTES":
            return values
        if self.content_type == "pd_json":
            return self._each(values, _from_json, "expected one value as a text of JSON")
        if self.content_type == "base64":
            return self._each(values, _from_base64, "expected base64 of a UTF-8 text")
        return values

    def error(self, fault: str, row: int | None = None) -> InvalidTensors:
        """The error of this tensor, or of a row of it."""
        place = "" if row is None else f", row {row}"
        return InvalidTensors(f"input {self.name[:_MAX_SHOWN]!r}{place}: {fault}")

    def _of_json(self, data: list[Any]) -> list[Any]:
        for _ in self.shape[1:]:
            if not data or not isinstance(data[0], list):
                break
            if any(not isinstance(part, list) for part in data):
                raise self.error("some of its values are nested, others are not")
            data = [*chain.from_iterable(data)]
        self._check_count(len(data))
        types = set(map(type, data))
        if float in types:
            data = _without_nan(data)
        if not types <= {type(None), *self._json_types}:
            row = next((row for row, value in enumerate(data) if not self._holds(value)), None)
            if row is not None:
                raise self.error(f"a value is not {_WORDS.get(self.datatype[:2], 'an integer')}", self._row_of(row))
        return data

    @property
    def _json_types(self) -> tuple[type, ...]:
        return _JSON_TYPES.get(self.datatype[:2], (int,))

    def _holds(self, value: Any) -> bool:
        """Whether a JSON value is one of the datatype, or missing; 5 and 5.0 are the same integer."""
        if value is None or type(value) in self._json_types:
            return True
        return type(value) is float and self.is_numeric and value.is_integer()

    def _of_bytes(self, data: memoryview) -> list[Any]:
        if self.datatype == "BYTES":
            return self._of_texts(data)
        dtype = np.dtype(DTYPES[self.datatype])
        if len(data) % dtype.itemsize:
            raise self.error(f"{len(data)} bytes are not whole numbers of {dtype.itemsize}")
        self._check_count(len(data) // dtype.itemsize)
        numbers = np.frombuffer(data, dtype)
        values: list[Any] = numbers.tolist()
        if dtype.kind == "f" and np.isnan(numbers).any():
            return _without_nan(values)
        return values

    def _of_texts(self, data: memoryview) -> list[Any]:
        texts: list[Any] = []
        place, end, count = 0, len(data), math.prod(self.shape)
        for _ in range(count):
            start = place + _LENGTH.size
            if start > end or (place := start + _LENGTH.unpack_from(data, start - _LENGTH.size)[0]) > end:
                raise self.error("its bytes end before its last value")
            try:
                texts.append(str(data[start:place], "utf-8"))
            except UnicodeDecodeError:
                raise self.error("it is not UTF-8", self._row_of(len(texts))) from None
        if place != end:
            raise self.error(f"{end - place} bytes are left behind its {count} values")
        return texts

    def _each(self, values: list[Any], read: Callable[[Any], Any], fault: str) -> list[Any]:
        read_values = []
        for place, value in enumerate(values):
            try:
                read_values.append(None if value is None else read(value))
            except ValueError:
                raise self.error(fault, self._row_of(place)) from None
        return read_values

    def _check_count(self, count: int) -> None:
        if count != math.prod(self.shape):
            raise self.error(f"it has {count} values, and {math.prod(self.shape)} by its shape {[*self.shape]}")

    def _row_of(self, place: int) -> int:
        return place // math.prod(self.shape[1:])


@dataclass(frozen=True, slots=True)
class OutputTensor:
    """A tensor of an answer.

    Parameters
    ----------
    name, datatype, shape, parameters
        Name, datatype, shape and parameters of the answer.
    values
        Values in row-major order, None for one that is not defined; or an array of them.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: Sequence[Any] | NDArray[Any]
    parameters: dict[str, Any]

    def document(self) -> dict[str, Any]:
        """The tensor with its values in JSON."""
        values = self.values.ravel().tolist() if isinstance(self.values, np.ndarray) else self.values
        return self._document(self.parameters) | {"data": values}

    def binary(self) -> tuple[dict[str, Any], bytes] | None:
        """The tensor with its values beside it; None where one of them is not defined, which bytes cannot say."""
        if isinstance(self.values, np.ndarray):
            data = self.values.astype(DTYPES[self.datatype], copy=False).tobytes()
        elif None in self.values:
            return None
        elif self.datatype == "BYTES":
            data = _as_bytes(self.values)
        else:
            data = np.array(self.values, DTYPES[self.datatype]).tobytes()
        return self._document(self.parameters | {"binary_data_size": len(data)}), data

    def _document(self, parameters: dict[str, Any]) -> dict[str, Any]:
        document = {"name": self.name, "datatype": self.datatype, "shape": self.shape}
        return {**document, "parameters": parameters} if parameters else document


_JSON_TYPES: dict[str, tuple[type, ...]] = {"BO": (bool,), "BY": (str,), "FP": (int, float)}
_WORDS = {"BO": "true or false", "BY": "a text", "FP": "a number"}


def _as_bytes(texts: Sequence[str]) -> bytes:
    encoded = {text: text.encode() for text in set(texts)}  # labels, of which there are few
    elements = {text: _LENGTH.pack(len(each)) + each for text, each in encoded.items()}
    return b"".join(map(elements.__getitem__, texts))


def _without_nan(values: list[Any]) -> list[Any]:
    """The values with None in place of NaN, which is not itself."""
    if {*map(type, values)} == {float} and (total := sum(values)) == total:
        return values
    return [value if value == value else None for value in values]  # noqa: PLR0124


def _from_json(text: str) -> Any:
    if text.lstrip().startswith(("[", "{")):  # no value of a feature; millions of them may be in it
        raise ValueError("several values")
    return _without_nan([from_json(text)])[0]


def _from_base64(text: str) -> str:
    try:
        return b64decode(text, validate=True).decode()
    except binascii.Error as error:
        raise ValueError from error
