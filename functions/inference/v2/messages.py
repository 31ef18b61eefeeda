"""The bodies of the protocol: a JSON document, and behind it the values of tensors that are sent as bytes."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json, to_json

from inference.v2.tensors import DATATYPES, InputTensor, OutputTensor
from skylift.http import nesting
from skylift.http.errors import InvalidTensors, NotJson
from skylift.http.reply import Reply

HEADER_LENGTH = "inference-header-content-length"
"""Header with the number of bytes of the document, where bytes follow it."""

OCTETS = "application/octet-stream"

MAX_DIMENSION = 2**31 - 1
"""The largest size of a dimension, far above what a body holds."""

_MAX_DIGITS = 10
_MAX_SHOWN = 60
_UNSUPPORTED = ("shared_memory_region", "classification")


@dataclass(frozen=True, slots=True)
class InferenceRequest:
    """What a body asks for.

    Parameters
    ----------
    id
        The caller's name of the request; None without one.
    inputs
        Tensors, at least one.
    outputs
        Wanted outputs by name, with whether each is to be bytes; None for all outputs.
    binary
        Whether outputs are bytes for which nothing else is said.
    """

    id: str | None
    inputs: tuple[InputTensor, ...]
    outputs: dict[str, bool] | None
    binary: bool


def read_request(body: bytes, header_length: str | None, most_brackets: int) -> InferenceRequest:
    """Read a body.

    Parameters
    ----------
    header_length
        Header `HEADER_LENGTH`; None without it.
    most_brackets
        Largest number of arrays and objects in the document.

    Raises
    ------
    NotJson, InvalidTensors
    """
    length = len(body)
    if header_length is not None:
        if not (header_length.isascii() and header_length.isdecimal() and len(header_length) <= _MAX_DIGITS):
            raise InvalidTensors(f"{HEADER_LENGTH} is not a number of bytes")
        length = int(header_length)
        if length > len(body):
            raise InvalidTensors(f"{HEADER_LENGTH} is {length}, and the body has {len(body)} bytes")
    document = _document(body[:length], most_brackets)
    parameters = _parameters(document, "the request")
    tail = _Tail(memoryview(body)[length:])
    inputs = tuple(_input(each, tail) for each in _objects(document, "inputs"))
    if not inputs:
        raise InvalidTensors("inputs: expected at least one tensor")
    tail.check_end()
    name = document.get("id")
    if name is not None and not isinstance(name, str):
        raise InvalidTensors("id: expected a text")
    binary = _flag(parameters, "binary_data_output", "the request", otherwise=False)
    outputs = None
    if document.get("outputs"):
        outputs = dict(_output(each, otherwise=binary) for each in _objects(document, "outputs"))
    return InferenceRequest(name, inputs, outputs, binary)


def write_answer(document: dict[str, Any], outputs: Iterable[OutputTensor], binary: Collection[str]) -> Reply:
    """Write an answer.

    Parameters
    ----------
    document
        Members of the answer beside the outputs.
    binary
        Names of the outputs to send as bytes. One with a value that is not defined is sent in JSON.
    """
    written, parts = [], []
    for output in outputs:
        if output.name in binary and (both := output.binary()) is not None:
            written.append(both[0])
            parts.append(both[1])
        else:
            written.append(output.document())
    encoded = to_json({**document, "outputs": written}, inf_nan_mode="null")
    if not parts:
        return Reply(encoded)
    return Reply(b"".join([encoded, *parts]), media_type=OCTETS, headers={HEADER_LENGTH: str(len(encoded))})


class _Tail:
    """The bytes behind the document, taken tensor by tensor."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._taken = 0

    def take(self, size: int, name: str) -> memoryview:
        start, self._taken = self._taken, self._taken + size
        if self._taken > len(self._data):
            raise InvalidTensors(
                f"input {name[:_MAX_SHOWN]!r}: {size} bytes are named, {len(self._data) - start} are there",
                f"send the size of the JSON in {HEADER_LENGTH}",
            )
        return self._data[start : self._taken]

    def check_end(self) -> None:
        if left := len(self._data) - self._taken:
            raise InvalidTensors(f"{left} bytes of the body belong to no input", "name them as binary_data_size")


def _document(text: bytes, most_brackets: int) -> dict[str, Any]:
    if not text.strip():
        raise NotJson("the body is empty", 'send {"inputs": [...]}')
    if nesting.at_most(text) > most_brackets and len(nesting.brackets(text)) > 2 * most_brackets:
        raise InvalidTensors(f"it holds more than {most_brackets} arrays and objects", "send flat data")
    try:
        document = from_json(text, cache_strings=False)
    except ValueError as error:
        raise NotJson(f"the body is not JSON: {error}", 'send {"inputs": [...]}') from None
    if not isinstance(document, dict):
        raise InvalidTensors("expected an object", 'send {"inputs": [...]}')
    return document


def _input(document: dict[str, Any], tail: _Tail) -> InputTensor:
    name, datatype, shape = _name(document, "inputs"), document.get("datatype"), document.get("shape")
    of = f"input {name[:_MAX_SHOWN]!r}"
    if not isinstance(datatype, str) or datatype not in DATATYPES:
        raise InvalidTensors(f"{of}: the datatype is none of {', '.join(DATATYPES)}")
    if not isinstance(shape, list) or len(shape) not in {1, 2} or not all(_is_dimension(size) for size in shape):
        raise InvalidTensors(f"{of}: expected a shape of rows, such as [2], or of rows and columns, such as [2, 1]")
    parameters = _parameters(document, of)
    content_type = parameters.get("content_type")
    size, data = parameters.get("binary_data_size"), document.get("data")
    if size is not None:
        if not _is_dimension(size) or data is not None:
            raise InvalidTensors(f"{of}: expected either data, or its number of bytes as binary_data_size")
        data = tail.take(size, name)
    elif not isinstance(data, list):
        raise InvalidTensors(f"{of}: expected an array as data, or binary_data_size")
    return InputTensor(name, datatype, tuple(shape), data, content_type if isinstance(content_type, str) else "")


def _output(document: dict[str, Any], *, otherwise: bool) -> tuple[str, bool]:
    name = _name(document, "outputs")
    of = f"output {name[:_MAX_SHOWN]!r}"
    return name, _flag(_parameters(document, of), "binary_data", of, otherwise=otherwise)


def _objects(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    objects = document.get(name)
    if not isinstance(objects, list) or not all(isinstance(each, dict) for each in objects):
        raise InvalidTensors(f"{name}: expected an array of objects", 'send {"inputs": [...]}')
    return objects


def _name(document: dict[str, Any], of: str) -> str:
    name = document.get("name")
    if not isinstance(name, str):
        raise InvalidTensors(f"{of}: expected a name")
    return name


def _parameters(document: dict[str, Any], of: str) -> dict[str, Any]:
    parameters = document.get("parameters")
    if parameters is None:
        return {}
    if not isinstance(parameters, dict):
        raise InvalidTensors(f"{of}: expected an object as parameters")
    for name in _UNSUPPORTED:
        if parameters.get(name):
            raise InvalidTensors(f"{of}: {name} is not supported")
    return parameters


def _flag(parameters: dict[str, Any], name: str, of: str, *, otherwise: bool) -> bool:
    flag = parameters.get(name)
    if flag is None:
        return otherwise
    if not isinstance(flag, bool):
        raise InvalidTensors(f"{of}: expected true or false as {name}")
    return flag


def _is_dimension(size: object) -> bool:
    return type(size) is int and 0 <= size <= MAX_DIMENSION
