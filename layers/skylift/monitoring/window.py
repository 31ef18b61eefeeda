"""A window of traffic: what its records add up to, and what of it was not read."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from skylift.monitoring.counts import Counts, Tally
from skylift.monitoring.profile import Shape
from skylift.monitoring.records import Reader, Record

ANY = ""
"""In place of a field: all refused requests of a reason, whether or not they name one."""


class Objects(Protocol):
    """Objects in a bucket."""

    def chunks(self, key: str) -> Iterable[bytes]:
        """The bytes of an object, in parts of any size."""


@dataclass(frozen=True)
class Window:
    """The records of a time.

    Parameters
    ----------
    start, end
        First moment of the window, and the first one after it, in UTC.
    counts
        Counts by version, of the requests that have a profile.
    without_profile
        Number of answered requests that have none: of older versions, too long for a line, or switched off.
    refused
        Number of refused requests by reason and field.
    failed
        Number of requests that the service failed to answer.
    unreadable, duplicates
        Numbers of lines that could not be read, and of records that were delivered again.
    objects, objects_read
        Numbers of objects that hold the window, and of those that were read; fewer if they are only a sample.
    cut
        Whether a part was left because there was more than is read for one window: objects, or the rest of one, or of
        the lines of a log group.
    late
        Number of records of earlier windows that arrived when these had been read, and are in none of them.
    """

    start: datetime
    end: datetime
    counts: Mapping[str, Counts]
    without_profile: int
    refused: Mapping[str, Mapping[str, int]]
    failed: int
    unreadable: int
    duplicates: int
    objects: int = 0
    objects_read: int = 0
    cut: bool = False
    late: int = 0


def collect(
    reader: Reader,
    records: Iterable[Record],
    shape_of: Callable[[str], Shape | None],
    *,
    start: datetime,
    end: datetime,
) -> Window:
    """Add up records, each in the window of its own time.

    Parameters
    ----------
    reader
        Reader that the records come from.
    records
        Records in any order; others than the window's are passed over.
    shape_of
        Function from the name of a version to its numbers of bins; None for a version without any.
    """
    first, last = start.timestamp(), end.timestamp()
    tallies: dict[str, Tally | None] = {}
    refused: dict[str, Counter[str]] = {}
    without_profile = failed = 0
    for record in records:
        if not first <= record.at < last:
            continue
        if record.status < 400:
            if record.version not in tallies:
                shape = shape_of(record.version)
                tallies[record.version] = Tally(shape) if shape else None
            tally = tallies[record.version]
            if tally is None or _is_left_out(record.profile):
                without_profile += 1
            else:
                tally.add(record.profile)
        elif record.status < 500:
            refused.setdefault(record.reason or ANY, Counter()).update((ANY, *set(record.fields)))
        else:
            failed += 1
    counts = {version: tally.counts() for version, tally in sorted(tallies.items()) if tally}
    return Window(
        start=start,
        end=end,
        counts=counts,
        without_profile=without_profile,
        refused={reason: dict(fields) for reason, fields in sorted(refused.items())},
        failed=failed,
        unreadable=reader.unreadable + sum(tally.unreadable for tally in tallies.values() if tally),
        duplicates=reader.duplicates,
        cut=reader.cut,
        late=reader.late,
    )


def _is_left_out(profile: Any) -> bool:
    """Whether a line has no profile, or only its rows because it would be too long."""
    return profile is None or (isinstance(profile, dict) and profile.keys() == {"rows"})


def from_objects(reader: Reader, objects: Objects, keys: Iterable[str]) -> Iterator[Record]:
    """Records of several objects."""
    for key in keys:
        yield from reader.chunks(objects.chunks(key))


def beginning(reader: Reader, objects: Objects, key: str, *, most: int) -> Iterator[Record]:
    """Records of an object that is longer than what is read at most: those of its first bytes."""
    reader.cut = True
    yield from reader.chunks(_first(objects.chunks(key), most), growing=True)


def _first(chunks: Iterable[bytes], most: int) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk[:most]
        most -= len(chunk)
        if most <= 0:
            return


def sample(sizes: Mapping[str, int], *, most: int) -> list[str]:
    """Objects that together have at most so many bytes, evenly spread over all of them.

    Parameters
    ----------
    sizes
        Bytes by key, in the order of time.
    most
        Bytes to read at most.

    Returns
    -------
    list of str
        All keys if they fit. Otherwise each object is taken that keeps what is taken within its share of what was
        passed, so that times of much traffic have as much weight as they have in the whole. An object that is longer
        than `most` counts as one of that length, so that one at least is taken.

    Examples
    --------
    >>> sample({"a": 4, "b": 4, "c": 4, "d": 4}, most=8), sample({"a": 4, "b": 4}, most=8)
    (['b', 'd'], ['a', 'b'])
    >>> sample({"a": 9}, most=8)
    ['a']
    """
    lengths = {key: min(size, most) for key, size in sizes.items()}
    total = sum(lengths.values())
    share = min(most, total)
    chosen, passed, taken = [], 0, 0
    for key, size in lengths.items():
        passed += size
        if (taken + size) * total <= share * passed:
            chosen.append(key)
            taken += size
    return chosen
