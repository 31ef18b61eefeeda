"""Rows that were read of small files, for the tests of what reads them."""

from pathlib import Path
from typing import Any

from skylift.bulk import batches
from skylift.bulk.batch import Batch
from skylift.bulk.plan import Plan
from skylift.bulk.sources import CsvForm
from skylift.contract import Contract, Target
from skylift.feature import Feature

XY = Contract(
    task="regression",
    features=(Feature(name="x", column="X in m", kind="number"), Feature(name="y", kind="number", required=False)),
    target=Target(name="z"),
    ignored=("z",),
)


def read(path: Path, form: dict[str, Any] | None = None) -> list[Batch]:
    """The batches of a file; a CSV file has a header and commas, if nothing else is said."""
    described = CsvForm(**{"encoding": "utf-8", "delimiter": ",", "names": ("x", "y"), "first": 1} | (form or {}))
    parts = Plan.of(str(path), lambda _: described).parts
    return [each for part in parts for each in batches.batches(part, XY)]


def xs(found: list[Batch]) -> list[str]:
    """The values of `x`."""
    return [value for each in found for value in each.columns["x"].to_pylist()]


def numbers(found: list[Batch]) -> list[int]:
    """The numbers of the rows."""
    return [number for each in found for number in each.numbers.tolist()]
