"""Reads the rows of a part, some at a time, as columns."""

from collections.abc import Iterator

from skylift.bulk.batch import Batch
from skylift.bulk.csv_rows import csv_rows
from skylift.bulk.json_rows import json_rows
from skylift.bulk.parquet_rows import parquet_rows
from skylift.bulk.plan import Part
from skylift.contract import Contract

MAX_ROWS = 2**16
"""Rows that are in memory at once, at most."""

_MAX_VALUES = 2**21


def batches(part: Part, contract: Contract) -> Iterator[Batch]:
    """The rows of a part.

    Raises
    ------
    DataError
        It cannot be read, or lacks a column.
    AwsUnavailable
        S3 failed.
    """
    rows = max(min(MAX_ROWS, _MAX_VALUES // contract.width), 1)
    match part.source.form:
        case "parquet":
            return parquet_rows(part, contract, rows)
        case "jsonl":
            return json_rows(part, contract, rows)
        case "csv":
            return csv_rows(part, contract, rows)
