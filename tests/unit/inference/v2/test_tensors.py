"""Values of tensors, as JSON and as bytes have them."""

import base64
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.v2.tensors import DTYPES, InputTensor, OutputTensor
from skylift.http.errors import InvalidTensors


def tensor(datatype: str, data: Any, *shape: int, content_type: str = "") -> InputTensor:
    """A tensor of a request; one column of the values where no shape is given."""
    if isinstance(data, bytes):
        data = memoryview(data)
    return InputTensor("x", datatype, shape or (len(data),), data, content_type)


def packed(*texts: bytes) -> bytes:
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


class TestJson:
    @pytest.mark.parametrize(
        ("data", "shape"), [([1, 2, 3, 4], (4,)), ([[1], [2], [3], [4]], (4, 1)), ([[1, 2], [3, 4]], (2, 2))]
    )
    def test_values_are_nested_or_flat(self, data: list[Any], shape: tuple[int, ...]) -> None:
        assert tensor("FP64", data, *shape).values() == [1, 2, 3, 4]
        assert tensor("FP64", [1, 2, 3, 4], *shape).values() == [1, 2, 3, 4]

    @pytest.mark.parametrize(
        ("datatype", "data"), [("FP32", [1.5, 2]), ("INT64", [1, 2.0]), ("BOOL", [True, False]), ("BYTES", ["ä", ""])]
    )
    def test_null_and_nan_are_missing_in_every_datatype(self, datatype: str, data: list[Any]) -> None:
        assert tensor(datatype, [*data, None, float("nan")]).values() == [*data, None, None]

    @pytest.mark.parametrize(
        ("datatype", "value", "words"),
        [
            ("FP64", "1.5", "a number"),
            ("FP64", True, "a number"),
            ("INT64", 1.5, "an integer"),
            ("INT64", float("inf"), "an integer"),
            ("UINT8", "1", "an integer"),
            ("BOOL", 1, "true or false"),
            ("BYTES", 1, "a text"),
            ("BYTES", {}, "a text"),
            ("FP64", [1.0], "a number"),
        ],
    )
    def test_a_value_of_another_type_is_refused_with_its_row(self, datatype: str, value: Any, words: str) -> None:
        with pytest.raises(InvalidTensors, match=f"^input 'x', row 1: a value is not {words}$"):
            tensor(datatype, [None, None, value, None], 2, 2).values()

    def test_an_integer_beyond_all_numbers_is_left_to_the_contract(self) -> None:
        assert tensor("FP64", [10**400]).values() == [10**400]

    @pytest.mark.parametrize(("data", "shape"), [([1, 2], (3,)), ([[1, 2], [3]], (2, 2)), ([], (1,)), ([1], (1, 0))])
    def test_as_many_values_as_the_shape_says(self, data: list[Any], shape: tuple[int, ...]) -> None:
        with pytest.raises(InvalidTensors, match=r"it has \d values, and \d by its shape"):
            tensor("FP64", data, *shape).values()

    def test_half_nested_values_are_refused(self) -> None:
        with pytest.raises(InvalidTensors, match="some of its values are nested"):
            tensor("BYTES", [["a"], "b"], 2, 1).values()


class TestBinary:
    @pytest.mark.parametrize("datatype", DTYPES)
    def test_numbers_are_little_endian(self, datatype: str) -> None:
        numbers = np.array([0, 1], DTYPES[datatype])

        assert tensor(datatype, numbers.tobytes(), 2).values() == numbers.tolist()

    def test_nan_is_missing_and_infinity_is_not(self) -> None:
        numbers = np.array([1.5, np.nan, np.inf], "<f2")

        assert tensor("FP16", numbers.tobytes(), 3, 1).values() == [1.5, None, float("inf")]

    @given(st.lists(st.text(st.characters(codec="utf-8"))))
    def test_texts_have_their_length_before_them(self, texts: list[str]) -> None:
        data = packed(*(text.encode() for text in texts))

        assert tensor("BYTES", data, len(texts)).values() == texts

    @pytest.mark.parametrize(
        ("datatype", "data", "fault"),
        [
            ("FP64", b"\0" * 9, "9 bytes are not whole numbers of 8"),
            ("FP64", b"\0" * 8, "it has 1 values, and 2 by its shape"),
            ("BYTES", packed(b"a"), "its bytes end before its last value"),
            ("BYTES", packed(b"a") + b"\xff\xff\xff\xff", "its bytes end before its last value"),
            ("BYTES", packed(b"a", b"b", b"c"), "5 bytes are left behind its 2 values"),
            ("BYTES", packed(b"a", b"\xff"), "not UTF-8"),
        ],
    )
    def test_bytes_that_are_not_its_values_are_refused(self, datatype: str, data: bytes, fault: str) -> None:
        with pytest.raises(InvalidTensors, match=fault):
            tensor(datatype, data, 2).values()

    def test_a_shape_of_any_size_costs_nothing(self) -> None:
        with pytest.raises(InvalidTensors, match="end before its last value"):
            tensor("BYTES", packed(b"a"), 2**31 - 1, 2**31 - 1).values()


class TestCodecs:
    def test_pandas_writes_mixed_columns_as_json(self) -> None:
        texts = ['"north"', "null", "NaN", "true", "2"]

        assert tensor("BYTES", texts, content_type="pd_json").values() == ["north", None, None, True, 2]

    def test_base64_is_read(self) -> None:
        texts = [base64.b64encode("Köln".encode()).decode(), None]

        assert tensor("BYTES", texts, content_type="base64").values() == ["Köln", None]

    @pytest.mark.parametrize("content_type", ["str", "pd", "np", "datetime", "of another server"])
    def test_others_change_nothing(self, content_type: str) -> None:
        assert tensor("BYTES", ["bm9ydGg="], content_type=content_type).values() == ["bm9ydGg="]

    @pytest.mark.parametrize(
        ("content_type", "text", "fault"),
        [
            ("pd_json", "north", "expected one value as a text of JSON"),
            ("pd_json", ' [[], {}, "', "expected one value as a text of JSON"),
            ("base64", "Köln", "expected base64"),
            ("base64", "/w==", "expected base64 of a UTF-8 text"),
        ],
    )
    def test_what_they_did_not_write_is_refused(self, content_type: str, text: str, fault: str) -> None:
        with pytest.raises(InvalidTensors, match=f"input 'x', row 1: {fault}"):
            tensor("BYTES", [None, text], content_type=content_type).values()


class TestOutputs:
    def test_an_array_in_json_is_flat(self) -> None:
        output = OutputTensor("p", "FP64", (2, 2), np.array([[0.5, 0.5], [1, 0]]), {"classes": ["a", "b"]})

        assert output.document() == {
            "name": "p",
            "datatype": "FP64",
            "shape": (2, 2),
            "parameters": {"classes": ["a", "b"]},
            "data": [0.5, 0.5, 1, 0],
        }

    @pytest.mark.parametrize(
        ("datatype", "values", "data"),
        [
            ("FP64", np.array([0.5, np.nan]), struct.pack("<2d", 0.5, np.nan)),
            ("FP64", [0.5, 1.0], struct.pack("<2d", 0.5, 1)),
            ("INT64", [7, -1], struct.pack("<2q", 7, -1)),
            ("BOOL", [True, False], b"\1\0"),
            ("BYTES", ["ä", "b", "ä"], packed("ä".encode(), b"b", "ä".encode())),
        ],
    )
    def test_bytes_are_beside_the_document(self, datatype: str, values: Any, data: bytes) -> None:
        both = OutputTensor("p", datatype, (2,), values, {}).binary()

        assert both is not None
        document, written = both
        assert written == data
        assert document["parameters"] == {"binary_data_size": len(data)}
        assert "data" not in document

    def test_a_value_that_is_not_defined_has_no_bytes(self) -> None:
        assert OutputTensor("p", "BYTES", (2,), ["a", None], {}).binary() is None
