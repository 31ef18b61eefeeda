"""Labels, the true answers that arrive later: what callers and files may send, and which of them counts.

A body is `{"labels": [...]}` or JSON lines, each entry `{"id": "...#0", "label": ..., "observed_at": "..."}`: the id of
the request as it was answered, and the place of the instance in it.
"""

import csv
import io
import json
import math
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from skylift.cells import TRUTHS, clean_text
from skylift.contract import ClassName, Target
from skylift.http import nesting
from skylift.names import NearestNames
from skylift.numerals import is_number

MAX_LABELS = 10_000
"""Most labels of one body."""

_ID = re.compile(r"([A-Za-z0-9_-]{16})#(0|[1-9]\d{0,5})", re.ASCII)
_SEND = 'send {"labels": [{"id": "...#0", "label": ...}]} or one such entry a line'
_CLOCKS_DIFFER = timedelta(days=1)
_MAX_SUGGESTIONS = 6


@dataclass(frozen=True, slots=True)
class Label:
    """The true answer of one instance.

    Parameters
    ----------
    request
        Id of the request that was answered.
    instance
        Place of the instance in it, from 0.
    value
        Class of the contract, or value.
    observed_at
        Time at which it was known, UTC.
    """

    request: str
    instance: int
    value: ClassName | float
    observed_at: datetime

    def line(self) -> bytes:
        """The JSON line that it is kept as, which `parse` reads."""
        entry = {
            "id": f"{self.request}#{self.instance}",
            "label": self.value,
            "observed_at": self.observed_at.isoformat(),
        }
        return json.dumps(entry, separators=(",", ":")).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an entry is refused.

    Parameters
    ----------
    place
        Place in the body: `labels[3]` or `line 4`; `body` for all of it.
    reason
        Stable code: `not_json`, `wrong_type`, `invalid_id`, `unknown_class`, `invalid_time` or `too_many`.
    message
        What was expected, for people; without the value that was sent.
    """

    place: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a body holds: the labels that can be kept, and what is wrong with the rest."""

    labels: tuple[Label, ...]
    problems: tuple[Problem, ...]


class _Refused(Exception):
    """An entry is not a label; its arguments are the reason and the message of a `Problem`."""


def parse(body: bytes, target: Target, arrived: datetime, *, limit: int | None = MAX_LABELS) -> Parsed:
    """Read a body, entry by entry: a fault of one costs no other.

    Parameters
    ----------
    target
        Target of the contract that the labels are in the terms of.
    arrived
        Time of arrival, UTC: that of an entry which names none.
    limit
        Most entries, beyond which none is taken; None for a file.
    """
    if limit is None:
        return _read(_entries(body), target, arrived)
    entries = None if _nests_more(body, limit) else list(islice(_entries(body), limit + 1))
    if entries is None or len(entries) > limit:
        problem = Problem("body", "too_many", f"expected at most {limit:,} labels: send them in several requests")
        return Parsed((), (problem,))
    return _read(entries, target, arrived)


def parse_file(data: bytes, target: Target, arrived: datetime) -> Parsed:
    """Read a file of any number of labels: what `parse` reads, or CSV with the columns id, label and observed_at."""
    data = data.removeprefix(BOM_UTF8)
    if data.lstrip()[:1] in {b"{", b""}:
        return parse(data, target, arrived, limit=None)
    return _read(_rows(data), target, arrived)


def _read(entries: Iterable[tuple[str, object]], target: Target, arrived: datetime) -> Parsed:
    labels, problems = [], []
    read = _Classes(target) if target.classes else _number
    for place, entry in entries:
        try:
            labels.append(_label(entry, read, arrived))
        except _Refused as refused:
            problems.append(Problem(place, *refused.args))
    return Parsed(tuple(labels), tuple(problems))


_NOT_JSON = object()


def _nests_more(body: bytes, limit: int) -> bool:
    """Whether a body holds more arrays and objects than so many labels do; what does not close them is not JSON."""
    most = nesting.allowed(limit)
    if len(body) <= nesting.HARMLESS_BYTES or nesting.at_most(body) <= most:
        return False
    brackets = nesting.brackets(body)
    return len(brackets) > 2 * most and 2 * nesting.at_most(brackets) == len(brackets)


def _entries(body: bytes) -> Iterator[tuple[str, object]]:
    """The entries of either form, each with its place; what is not JSON stands for itself."""
    body = body.removeprefix(BOM_UTF8)
    whole = _json(body)
    if isinstance(whole, dict) and isinstance(listed := whole.get("labels"), list):
        yield from ((f"labels[{number}]", entry) for number, entry in enumerate(listed))
        return
    if not body.strip() or (whole is not _NOT_JSON and not (isinstance(whole, dict) and b"\n" not in body.strip())):
        yield "body", whole
        return
    for number, line in enumerate(io.BytesIO(body), start=1):
        if line.strip():
            yield f"line {number}", _json(line)


def _rows(data: bytes) -> Iterator[tuple[str, object]]:
    """The rows of a table, each with its place; what is not a table ends it."""
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", errors="replace", newline="")
    rows = csv.DictReader(text, skipinitialspace=True)
    try:
        for row in rows:
            yield f"line {rows.line_num}", {name: cell for name, cell in row.items() if name != "observed_at" or cell}
    except csv.Error:
        yield f"line {rows.line_num + 1}", _NOT_JSON


def _json(text: bytes) -> object:
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError):  # of text that is not UTF-8 as well
        return _NOT_JSON
    return document


def _label(entry: object, read: Callable[[object], ClassName | float], arrived: datetime) -> Label:
    """Read one entry.

    Parameters
    ----------
    read
        Function that reads its label.

    Raises
    ------
    _Refused
    """
    if entry is _NOT_JSON:
        raise _Refused("not_json", _SEND)
    if not isinstance(entry, dict) or "id" not in entry or "label" not in entry:
        raise _Refused("wrong_type", f"expected an object with id and label: {_SEND}")
    matched = _ID.fullmatch(entry["id"]) if isinstance(entry["id"], str) else None
    if matched is None:
        raise _Refused("invalid_id", "expected the id of the answer, a #, and the place of the instance from 0")
    return Label(matched[1], int(matched[2]), read(entry["label"]), _time(entry.get("observed_at"), arrived))


class _Classes:
    """Reads classes: as the contract has them, or as the text that a table or an answer has.

    A class that training merged with others is the class that they became.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._by_text: dict[str, ClassName] = dict(zip(target.keys, target.classes, strict=True))
        if target.rest is not None:
            self._by_text = dict.fromkeys(target.merged or (), target.rest) | self._by_text
        self._by_value: dict[tuple[bool, object], ClassName] = {
            (isinstance(name, bool), name): name for name in target.classes
        }
        self._near = NearestNames(target.keys)
        self._suggestions = 0

    def __call__(self, value: object) -> ClassName:
        """Read one.

        Raises
        ------
        _Refused
        """
        text = clean_text(value) or "" if isinstance(value, str) else ""
        if text in self._by_text:
            return self._by_text[text]
        if isinstance(self._target.classes[0], bool) and text.lower() in TRUTHS:
            return TRUTHS[text.lower()]
        if isinstance(value, int | float) and (isinstance(value, bool), value) in self._by_value:
            return self._by_value[isinstance(value, bool), value]
        self._suggestions += 1
        near = self._near.nearest(text) if self._suggestions <= _MAX_SUGGESTIONS else None
        nearest = near or self._target.keys[0]
        raise _Refused("unknown_class", f"expected a class of {self._target.name}, such as {nearest!r}")


def _number(value: object) -> float:
    if isinstance(value, str) and is_number(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Refused("wrong_type", "expected a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _Refused("wrong_type", "expected a finite number")
    return number


def _time(value: object, arrived: datetime) -> datetime:
    """The time of an entry, UTC where it names no zone.

    One in the future would outlast every correction, so it is refused.
    """
    if value is None:
        return arrived
    try:
        observed = datetime.fromisoformat(value if isinstance(value, str) else "")
        observed = observed.replace(tzinfo=UTC) if observed.tzinfo is None else observed.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _Refused("invalid_time", "expected a time such as 2026-03-31T12:00:00Z, or none") from None
    if observed > arrived + _CLOCKS_DIFFER:
        raise _Refused("invalid_time", "expected a time that is not in the future")
    return observed


type _Rank = tuple[datetime, datetime, str, int]


class LabelBook:
    """The label that counts of each instance: the one observed last, and of those the one that arrived last.

    Bodies can be added in any order.
    """

    def __init__(self) -> None:
        self._by_request: dict[str, dict[int, tuple[_Rank, Label]]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._by_request.values()))

    def add(self, labels: Iterable[Label], arrived: datetime, source: str = "") -> None:
        """Add the labels of a body.

        Parameters
        ----------
        arrived
            Time of arrival of the body, UTC.
        source
            Name of the object that holds it, which orders bodies of the same time.
        """
        for number, label in enumerate(labels):
            rank = (label.observed_at, arrived, source, number)
            of_request = self._by_request.setdefault(label.request, {})
            known = of_request.get(label.instance)
            if known is None or known[0] < rank:
                of_request[label.instance] = rank, label

    def of(self, request: str) -> dict[int, Label]:
        """The labels of a request, by instance."""
        return {instance: label for instance, (_, label) in self._by_request.get(request, {}).items()}

    def __iter__(self) -> Iterator[Label]:
        for of_request in self._by_request.values():
            yield from (label for _, label in of_request.values())
