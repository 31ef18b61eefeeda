"""Rows of the newest traffic with the right answers: what callers sent, where it is captured, and labels for it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from heapq import nlargest
from typing import Any

from skylift.contract import ClassName, Contract
from skylift.feature import Feature
from skylift.monitoring.label_store import LabelStore
from skylift.monitoring.labels import LabelBook
from skylift.monitoring.live_accuracy import BACK
from skylift.monitoring.records import Reader, Record
from skylift.monitoring.sources import Source
from skylift.values import fault

MOST_ROWS = 10_000
"""Rows that are kept, the newest of all."""


@dataclass(frozen=True, slots=True)
class LabelledRow:
    """A row of traffic.

    Parameters
    ----------
    request
        Id of the request, which may have had other rows.
    at
        Time of the request, in seconds since 1970.
    values
        Values by feature, as they were captured; None for a missing one.
    label
        Class, or value.
    """

    request: str
    at: float
    values: Mapping[str, Any]
    label: ClassName | float


def labelled_rows(
    source: Source, labels: LabelStore, contract: Contract, active: Contract, end: datetime
) -> list[LabelledRow]:
    """The newest labelled rows in the `BACK` until a time, the oldest first.

    Rows are there only where the service captures the values of all features (`CaptureRate`, `CaptureFeatures`).

    Parameters
    ----------
    source, labels
        What keeps the lines of the service, and the labels of the model.
    contract
        Contract that must take the rows; a feature that the active version does not have may be missing in them.
    active
        Contract of the active version, which must take them too, and of which a row has every feature.
    end
        Time after the last row, UTC.

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
    first, last = start.timestamp(), end.timestamp()
    found = (
        row
        for record in source.read(Reader(), start, end).records
        if first <= record.at < last
        for row in _labelled(record, book)
        if _is_whole(row.values, active) and _takes(contract, row.values) and _takes(active, row.values)
    )
    newest = nlargest(MOST_ROWS, found, key=_order)  # of millions, only those are held
    return sorted(newest, key=_order)


def _order(row: LabelledRow) -> tuple[float, str]:
    return row.at, row.request


def _labelled(record: Record, book: LabelBook) -> Iterator[LabelledRow]:
    """The rows of a line that have a label."""
    rows = record.document.get("rows")
    if record.id is None or not isinstance(rows, list):
        return
    for place, label in book.of(record.id).items():
        if place < len(rows) and isinstance(rows[place], dict):
            yield LabelledRow(record.id, record.at, rows[place], label.value)


def _is_whole(values: Mapping[str, Any], active: Contract) -> bool:
    """Whether the values of all features were captured: one that was not is not a missing value."""
    return all(feature.name in values for feature in active.features)


def _takes(contract: Contract, values: Mapping[str, Any]) -> bool:
    return all(_allows(feature, values) for feature in contract.features)


def _allows(feature: Feature, values: Mapping[str, Any]) -> bool:
    """Whether a request may have a value of a feature; null also stands for a text that training never saw."""
    if feature.name not in values:
        return not feature.required
    value = values[feature.name]
    return not feature.required or feature.takes_unknown if value is None else fault(feature, value) is None
