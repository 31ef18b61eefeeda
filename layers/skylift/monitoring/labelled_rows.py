"""Rows of the newest traffic with the right answers: what callers sent, where it is captured, and labels for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from skylift.contract import ClassName, Contract
from skylift.feature import Feature
from skylift.monitoring.label_store import LabelStore
from skylift.monitoring.live_accuracy import BACK
from skylift.monitoring.records import Reader
from skylift.monitoring.sources import Source

MOST_ROWS = 10_000
"""Rows that are kept, the newest of all."""


@dataclass(frozen=True, slots=True)
class LabelledRow:
    """A row of traffic.

    Parameters
    ----------
    at
        Time of the request, in seconds since 1970.
    values
        Values by feature; None for a missing one.
    label
        Class, or value.
    """

    at: float
    values: Mapping[str, Any]
    label: ClassName | float


def labelled_rows(source: Source, labels: LabelStore, contract: Contract, end: datetime) -> list[LabelledRow]:
    """The newest labelled rows in the `BACK` until a time that a contract takes as they are.

    Rows are there only where the service captures the values of all features (`CaptureRate`, `CaptureFeatures`).

    Raises
    ------
    AwsUnavailable
        Labels or lines cannot be read.
    OSError
        A log file cannot be read.
    """
    start = end - BACK
    book = labels.read(contract.target, start, end).book
    if not book:
        return []
    found = [
        LabelledRow(record.at, rows[place], label.value)
        for record in source.read(Reader(), start, end).records
        if record.id is not None and isinstance(rows := record.document.get("rows"), list)
        for place, label in book.of(record.id).items()
        if place < len(rows) and _fits(rows[place], contract)
    ]
    return sorted(found, key=lambda row: row.at)[-MOST_ROWS:]


def _fits(row: object, contract: Contract) -> bool:
    return isinstance(row, dict) and all(
        feature.name in row and _takes(feature, row[feature.name]) for feature in contract.features
    )


def _takes(feature: Feature, value: object) -> bool:
    if value is None:
        return not feature.required
    if feature.levels:
        return feature.takes_unknown or value in {feature.decode(code) for code in range(len(feature.levels))}
    return isinstance(value, int | float) and not isinstance(value, bool)
