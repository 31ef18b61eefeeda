"""A file of arrays holds what it should and nothing else, and reading it runs and inflates nothing."""

import io
import zipfile
from typing import Any

import numpy as np
import pytest

from skylift.array_file import BROKEN, read_arrays, write_arrays

ARRAYS: dict[str, Any] = {"first": np.arange(3.0), "second": np.array([[1], [2]], np.float32)}


def test_reading_returns_what_was_written() -> None:
    first, second = read_arrays(write_arrays(ARRAYS), ("first", "second"))
    assert np.array_equal(first, ARRAYS["first"])
    assert np.array_equal(second, ARRAYS["second"])
    assert second.dtype == np.float32


def test_the_same_arrays_have_the_same_bytes() -> None:
    assert write_arrays(ARRAYS) == write_arrays(ARRAYS)


@pytest.mark.parametrize("names", [(), ("first",), ("second", "first"), ("first", "second", "third")])
def test_other_arrays_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="other arrays"):
        read_arrays(write_arrays(ARRAYS), names)


def test_compressed_arrays_are_refused() -> None:
    file = io.BytesIO()
    np.savez_compressed(file, **ARRAYS)
    with pytest.raises(ValueError, match="compressed"):
        read_arrays(file.getvalue(), tuple(ARRAYS))


def test_pickles_are_refused() -> None:
    file = io.BytesIO()
    np.savez(file, allow_pickle=True, first=np.array([object()], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        read_arrays(file.getvalue(), ("first",))


def test_an_array_that_says_it_is_larger_than_the_file_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (2**50, 2)})
        archive.writestr("first.npy", header.getvalue() + b"\0" * 64)
    with pytest.raises(BROKEN):
        read_arrays(file.getvalue(), ("first",))


@pytest.mark.parametrize("data", [b"", b"no archive", write_arrays(ARRAYS)[:-40]])
def test_damaged_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(BROKEN):
        read_arrays(data, tuple(ARRAYS))
