"""Files of numpy arrays, read without trusting them: no pickles, and nothing larger than the file."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skylift.errors import FOREIGN_FAILURES

BROKEN = (*FOREIGN_FAILURES, OSError, zipfile.BadZipFile)
"""What reading such a file raises where it is not one; also what checks of its arrays raise."""


def write_arrays(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The file of some arrays; the same bytes for the same arrays."""
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def names_of(data: bytes) -> set[str]:
    """Names of the arrays of a file.

    Raises
    ------
    OSError, BadZipFile, ...
        It is no such file: one of `BROKEN`.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name.removesuffix(".npy") for name in archive.namelist()}


def read_arrays(data: bytes, names: Sequence[str]) -> list[NDArray[Any]]:
    """The arrays of a file, which must have these names in this order.

    Raises
    ------
    ValueError
        It holds other arrays, or compressed ones, which may be larger than the file; or another one of `BROKEN`.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        found = archive.infolist()
    if [member.filename for member in found] != [f"{name}.npy" for name in names]:
        raise ValueError("it holds other arrays than it should")
    if any(member.compress_type != zipfile.ZIP_STORED for member in found):
        raise ValueError("its arrays are compressed")
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return [arrays[name] for name in names]
