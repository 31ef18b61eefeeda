"""Live accuracy: labels meet what was answered, wherever and whenever both arrived within thirty days."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from skylift.errors import AwsUnavailable
from skylift.monitoring.by_labels import ByLabels, LabelUse
from skylift.monitoring.label_store import LabelStore
from skylift.monitoring.labels import Label
from skylift.monitoring.live import Live
from skylift.monitoring.live_accuracy import BACK, LiveAccuracy
from skylift.monitoring.profile import Profiler
from skylift.monitoring.records import Reader
from skylift.monitoring.sources import Reading
from tests.support.drift import IRIS, iris
from tests.support.fakes import MemoryBucket
from tests.support.log_lines import answered
from tests.support.manifests import manifest

END = datetime(2026, 3, 31, tzinfo=UTC)
CLASSES = IRIS.contract.target.classes
MANIFEST = manifest(7, contract=IRIS.contract)
ROWS = iris()[0]


class World:
    """Lines and labels."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.bucket = MemoryBucket()
        self.labels = LabelStore(self.bucket, "iris")
        self.reads = 0

    def read(self, reader: Reader, start: datetime, end: datetime) -> Reading:
        assert (start, end) == (END - BACK, END)
        self.reads += 1
        return Reading(reader.chunks([line.encode() + b"\n" for line in self.lines]))

    def answer(self, name: str, *codes: object, back: timedelta = timedelta(days=2), **members: Any) -> None:
        profile = Profiler(IRIS.baseline).of_row(ROWS[0].tolist(), (), 0.0, 0.9) if len(codes) == 1 else None
        at = (END - back).isoformat()
        self.lines.append(answered(name, members.pop("profile", profile), at=at, answers=codes, **members))

    def label(self, labels: Iterable[tuple[str, int, str]], back: timedelta = timedelta(days=1)) -> None:
        arrived = END - back
        told = [Label(name, place, label, arrived) for name, place, label in labels]
        self.labels.keep(repr(told).encode(), told, arrived)

    def by_labels(self) -> ByLabels:
        return LiveAccuracy(self, self.labels).of(MANIFEST, IRIS.baseline, END)

    def live(self) -> Live | None:
        return self.by_labels().live


def name(number: int) -> str:
    return f"{number:016}"


@pytest.fixture
def world() -> World:
    return World()


def test_labels_meet_the_answers_of_their_instances(world: World) -> None:
    for number in range(40):
        world.answer(name(number), number % 3)
    world.answer(name(99), 0, 1, None)
    world.label((name(number), 0, str(CLASSES[0])) for number in range(30))
    world.label([(name(99), 1, str(CLASSES[1]))])

    found = world.live()

    assert found is not None
    assert (found.version, found.metric, found.labels, found.predictions) == ("v7", "accuracy", 31, 43)
    assert found.value == pytest.approx(11 / 31)
    assert found.coverage == pytest.approx(31 / 43)
    assert found.delay_seconds == timedelta(days=1).total_seconds()


def test_without_labels_no_line_is_read(world: World) -> None:
    world.answer(name(1), 0)

    assert (world.by_labels(), world.reads) == (ByLabels(), 0)


def test_labels_that_cannot_be_used_are_counted(world: World) -> None:
    world.answer(name(1), 0)
    world.answer(name(2), 0, version="v6")
    world.label([(name(number), 0, str(CLASSES[0])) for number in (1, 2, 3)])
    world.bucket.modified = END - timedelta(days=1)
    world.bucket.write("labels/iris/dropped.csv", b"id,label\nx,setosa\n", content_type="text/csv")

    found = world.by_labels()

    assert found.live is not None
    assert found.use == LabelUse(unknown=1, refused=1, files=2, files_read=2)


def test_entries_that_cannot_be_read_are_counted_without_any_label(world: World) -> None:
    world.bucket.modified = END - timedelta(days=1)
    world.bucket.write("labels/iris/dropped.csv", b"id,label\nx,setosa\n", content_type="text/csv")

    assert world.by_labels() == ByLabels(use=LabelUse(unknown=0, refused=1, files=1, files_read=1))
    assert world.reads == 0


def test_labels_of_nothing_that_was_answered_say_nothing(world: World) -> None:
    world.answer(name(1), 0)
    world.label([(name(2), 0, str(CLASSES[0])), (name(1), 1, str(CLASSES[0]))])

    assert world.live() is None


def test_what_is_too_old_or_of_another_version_is_left_out(world: World) -> None:
    world.answer(name(1), 0)
    world.answer(name(2), 0, back=BACK + timedelta(hours=1))
    world.answer(name(3), 0, version="v6")
    world.label([(name(number), 0, str(CLASSES[0])) for number in (1, 2, 3)])

    found = world.live()

    assert found is not None
    assert (found.labels, found.predictions) == (1, 1)


@pytest.mark.parametrize("code", [3, -1, 0.5, "0"])
def test_answers_that_the_version_cannot_have_given_are_left_out(world: World, code: object) -> None:
    world.answer(name(1), 0)
    world.answer(name(2), code)
    world.label([(name(number), 0, str(CLASSES[0])) for number in (1, 2)])

    found = world.live()

    assert found is not None
    assert found.predictions == 1


@pytest.mark.parametrize("profile", [[[1], 0, 0.9], [[99, 0, 0, 0], 0, 0.9], "?", None])
def test_a_profile_that_cannot_be_read_costs_no_label(world: World, profile: object) -> None:
    world.answer(name(1), 0, profile=profile)
    world.label([(name(1), 0, str(CLASSES[0]))])

    found = world.live()

    assert found is not None
    assert found.labels == 1


def test_labels_that_cannot_be_read_are_told(world: World) -> None:
    world.bucket.failures = {"labels/": AwsUnavailable("S3 says no")}

    with pytest.raises(AwsUnavailable):
        world.live()
