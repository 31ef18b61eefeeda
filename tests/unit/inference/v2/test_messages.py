"""Bodies of the protocol, with and without bytes behind their document."""

import json
from typing import Any

import pytest

from inference.v2.messages import HEADER_LENGTH, InferenceRequest, read_request, write_answer
from inference.v2.tensors import OutputTensor
from skylift.http.errors import InvalidTensors, NotJson

INPUT = {"name": "x", "datatype": "FP64", "shape": [2], "data": [1, 2]}
BYTES = {"name": "x", "datatype": "UINT8", "shape": [2], "parameters": {"binary_data_size": 2}}


def read(document: Any, tail: bytes = b"", *, length: str | None = None, most_brackets: int = 100) -> InferenceRequest:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    if tail and length is None:
        length = str(len(body))
    return read_request(body + tail, length, most_brackets)


def test_a_document_alone() -> None:
    request = read({"id": "42", "inputs": [INPUT], "parameters": None, "outputs": None})

    assert (request.id, request.outputs, request.binary) == ("42", None, False)
    assert [each.values() for each in request.inputs] == [[1, 2]]


def test_bytes_belong_to_inputs_in_their_order() -> None:
    request = read({"inputs": [BYTES, INPUT, {**BYTES, "name": "y"}]}, b"\1\2\3\4")

    assert [each.values() for each in request.inputs] == [[1, 2], [1, 2], [3, 4]]


def test_a_length_that_is_the_whole_body_has_no_bytes() -> None:
    document = {"inputs": [INPUT]}

    assert read(document, length=str(len(json.dumps(document)))).inputs[0].values() == [1, 2]


@pytest.mark.parametrize(
    ("parameters", "outputs", "expected"),
    [
        ({}, [{"name": "a"}], {"a": False}),
        ({"binary_data_output": True}, [{"name": "a"}], {"a": True}),
        (
            {"binary_data_output": True},
            [{"name": "b", "parameters": {"binary_data": False}}, {"name": "a"}],
            {"b": False, "a": True},
        ),
        ({}, [{"name": "a", "parameters": {"binary_data": True, "classification": 0}}], {"a": True}),
        ({"binary_data_output": True}, [], None),
    ],
)
def test_what_an_output_says_comes_before_what_all_say(parameters: Any, outputs: Any, expected: Any) -> None:
    request = read({"inputs": [INPUT], "parameters": parameters, "outputs": outputs})

    assert request.outputs == expected
    assert request.binary == bool(parameters)


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ([], "expected an object"),
        ({}, "inputs: expected an array of objects"),
        ({"inputs": []}, "inputs: expected at least one tensor"),
        ({"inputs": [1]}, "inputs: expected an array of objects"),
        ({"inputs": [INPUT], "id": 7}, "id: expected a text"),
        ({"inputs": [INPUT], "parameters": []}, "the request: expected an object as parameters"),
        ({"inputs": [INPUT], "parameters": {"binary_data_output": 1}}, "expected true or false as binary_data_output"),
        ({"inputs": [INPUT], "outputs": {"name": "a"}}, "outputs: expected an array of objects"),
        ({"inputs": [INPUT], "outputs": [{}]}, "outputs: expected a name"),
        ({"inputs": [INPUT], "outputs": [{"name": "a", "parameters": {"classification": 2}}]}, "not supported"),
        ({"inputs": [INPUT | {"name": None}]}, "inputs: expected a name"),
        ({"inputs": [INPUT | {"datatype": "FP8"}]}, "input 'x': the datatype is none of BOOL, INT8"),
        ({"inputs": [INPUT | {"datatype": ["FP64"]}]}, "the datatype is none of"),
        *(
            ({"inputs": [INPUT | {"shape": shape}]}, "input 'x': expected a shape of rows")
            for shape in (None, [], [-1], [1, 2, 3], [True], [2.0], [2**40], 2)
        ),
        ({"inputs": [INPUT | {"data": None}]}, "input 'x': expected an array as data, or binary_data_size"),
        ({"inputs": [INPUT | {"data": "ab"}]}, "expected an array as data"),
        ({"inputs": [INPUT | {"parameters": {"shared_memory_region": "r"}}]}, "shared_memory_region is not supported"),
        ({"inputs": [INPUT | {"parameters": {"binary_data_size": 2}}]}, "expected either data, or its number of bytes"),
        ({"inputs": [BYTES | {"parameters": {"binary_data_size": -1}}]}, "its number of bytes as binary_data_size"),
        ({"inputs": [BYTES]}, "2 bytes are named, 0 are there"),
    ],
)
def test_a_document_of_another_form_is_refused(document: Any, fault: str) -> None:
    with pytest.raises(InvalidTensors, match=fault):
        read(document)


@pytest.mark.parametrize("body", [b"", b" ", b"{", b"\xff", b'{"inputs": [}'])
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(NotJson):
        read(body)


@pytest.mark.parametrize("length", ["", "-1", "1e3", "9999", "9" * 5000, "²"])
def test_a_length_that_the_body_has_not_is_refused(length: str) -> None:
    with pytest.raises(InvalidTensors, match=HEADER_LENGTH):
        read({"inputs": [INPUT]}, length=length)


@pytest.mark.parametrize(("tail", "fault"), [(b"\1", "2 bytes are named, 1 are there"), (b"\1\2\3", "1 bytes of the")])
def test_bytes_have_to_be_those_of_the_inputs(tail: bytes, fault: str) -> None:
    with pytest.raises(InvalidTensors, match=fault):
        read({"inputs": [BYTES]}, tail)


def test_more_arrays_than_a_request_needs_are_not_parsed() -> None:
    nested = INPUT | {"data": [[1]] * 50}

    with pytest.raises(InvalidTensors, match="more than 20 arrays and objects: send flat data"):
        read({"inputs": [nested]}, most_brackets=20)
    read({"inputs": [INPUT | {"datatype": "BYTES", "data": ["[" * 50] * 2}]}, most_brackets=20)


def test_an_answer_has_the_bytes_of_the_outputs_that_are_wanted_so() -> None:
    outputs = [
        OutputTensor("a", "BYTES", (1,), ["ä"], {}),
        OutputTensor("b", "INT64", (1,), [7], {}),
        OutputTensor("c", "BOOL", (1,), [None], {}),
        OutputTensor("d", "BOOL", (1,), [True], {}),
    ]

    reply = write_answer({"model_name": "m"}, outputs, {"b", "c", "d"})

    length = int(reply.headers[HEADER_LENGTH])
    document = json.loads(reply.body[:length])
    assert reply.media_type == "application/octet-stream"
    assert reply.body[length:] == b"\7" + b"\0" * 7 + b"\1"
    assert [each.get("data") for each in document["outputs"]] == [["ä"], None, [None], None]
    assert document["model_name"] == "m"


def test_an_answer_without_bytes_is_json() -> None:
    reply = write_answer({}, [OutputTensor("c", "BOOL", (1,), [None], {})], {"c"})

    assert (reply.media_type, dict(reply.headers)) == ("application/json", {})
