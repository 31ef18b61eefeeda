"""Columns that number or name the rows: nothing that holds for one row holds for the next."""

import re

import numpy as np

from skylift.feature import Feature
from skylift.scoring import Matrix

_ENOUGH = 20
_ID_NAME = re.compile(r"(^|[\W_])(id|uuid|guid|index)$", re.IGNORECASE)
_CAMEL_ID = re.compile(r"[a-z0-9]I[dD]$")


def identifies(feature: Feature, column: Matrix) -> str | None:
    """How a column identifies its rows; None if it does not.

    Parameters
    ----------
    column
        Encoded values, float64 `[n]`.
    """
    rows = len(column)
    if not feature.required or rows < _ENOUGH or len(np.unique(column)) < rows:
        return None
    if feature.is_nominal:
        return "it has another text in each row"
    if feature.json_type != "integer":
        return None
    steps = np.diff(column)
    if bool((steps > 0).all() or (steps < 0).all()):
        return "it grows from row to row and looks like an identifier"
    dense = column.max() - column.min() == rows - 1
    if dense or named_as_identifier(feature.name):
        return "it has another value in each row and looks like an identifier"
    return None


def named_as_identifier(name: str) -> bool:
    """Whether a column is named as identifiers are.

    Examples
    --------
    >>> [named_as_identifier(name) for name in ("id", "customerId", "paid")]
    [True, True, False]
    """
    return bool(_ID_NAME.search(name) or _CAMEL_ID.search(name))
