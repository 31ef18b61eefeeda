"""How single measurements become figures: services in turns, medians of rounds."""

import math
from collections.abc import Iterator, Sequence
from statistics import median

from benchmarks.results import Series

type Calls = dict[str, list[list[float]]]
"""By service, by round, single measurements."""


def turns[T](items: Sequence[T], rounds: int) -> Iterator[T]:
    """Each of the items once per round; every other round backwards, so that none always follows the same other."""
    for number in range(rounds):
        yield from items if number % 2 == 0 else reversed(items)


def summary(calls: Calls) -> Series:
    """The median of each round, and the 99th percentile of all."""
    series = Series()
    for name, rounds in calls.items():
        everything = sorted(value for times in rounds for value in times)
        series.rounds[name] = [median(times) for times in rounds]
        series.p99[name] = everything[math.ceil(len(everything) * 0.99) - 1]
        series.calls[name] = len(everything)
    return series
