"""Labels meet the answers of their requests, and what is not answered yet waits."""

from datetime import UTC, datetime, timedelta

from skylift.monitoring.join import Join
from skylift.monitoring.labels import Label, LabelBook

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


def book(*labels: tuple[str, int, str]) -> LabelBook:
    """Labels by request and instance, observed an hour after noon."""
    made = LabelBook()
    made.add([Label(*label, NOON + timedelta(hours=1)) for label in labels], NOON)
    return made


def test_each_instance_meets_its_own_label() -> None:
    join = Join(book(("one", 2, "a"), ("one", 0, "b")))

    join.add("one", "v1", NOON, [0.0, 1.0, 2.0])

    joined = join.labelled["v1"]
    assert sorted(zip(joined.answers, [label.value for label in joined.labels], strict=True)) == [(0, "b"), (2, "a")]
    assert joined.delays == [3600, 3600]
    assert len(set(joined.requests)) == 1
    assert (join.predictions["v1"], join.unknown) == (3, 0)


def test_versions_are_apart() -> None:
    join = Join(book(("one", 0, "a"), ("two", 0, "a")))

    join.add("one", "v1", NOON, [0.0], bins=[3, 1])
    join.add("two", "v2", NOON, [1.0])

    assert {version: joined.answers for version, joined in join.labelled.items()} == {"v1": [0.0], "v2": [1.0]}
    assert join.labelled["v1"].bins == [[3, 1]]


def test_answers_without_a_label_are_counted() -> None:
    join = Join(book())

    join.add("one", "v1", NOON, [0.0, 1.0])

    assert (join.predictions["v1"], join.labelled) == (2, {})


def test_labels_of_no_answer_are_counted_and_wait() -> None:
    labels = book(("later", 0, "a"), ("one", 5, "a"), ("one", 0, "a"))
    join = Join(labels)

    join.add("one", "v1", NOON, [0.0])
    assert (join.unknown, len(labels)) == (2, 3)

    join.add("later", "v1", NOON, [0.0])
    assert join.unknown == 1
