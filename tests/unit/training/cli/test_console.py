"""What people read on the terminal."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from skylift.manifest import Manifest, reference_to
from skylift.metrics import Metrics
from skylift.references import NOTHING, Reference
from skylift.verification import Version
from tests.support.models import changed, iris_package
from tests.support.tables import TREE, learned, lines
from training.cli import console

NOON = datetime(2026, 5, 1, 12, 0, 30, 123456, tzinfo=UTC)


def shown(content: Any, *, width: int = 120) -> list[str]:
    """The lines of it without styles, whatever the terminal that the tests themselves are run on."""
    screen = Console(width=width, highlight=False, force_terminal=False, color_system=None)
    with screen.capture() as capture:
        screen.print(content)
    return [line.rstrip() for line in capture.get().splitlines()]


def version(number: int = 1, **fields: Any) -> Version:
    manifest: Manifest = changed(iris_package(), created_at=NOON, **fields).describe(number)
    return Version(reference_to(number, manifest.to_bytes()), manifest, manifest.to_bytes())


def test_a_reference_is_shortened_to_what_tells_it_apart() -> None:
    assert console.short(Reference(7, "a" * 64)) == "v7@aaaaaaaaaaaa"
    assert console.short(NOTHING) == NOTHING


def test_moments_are_told_in_utc_wherever_they_come_from() -> None:
    there = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))

    assert console.when(there) == console.when(NOON) == "2026-05-01 12:00:30"


def test_numbers_align_to_the_right() -> None:
    assert shown(console.table(("name", "count#"), [("a", "1"), ("b", "100")])) == [
        "name  count",
        "a         1",
        "b       100",
    ]


def test_text_in_brackets_is_shown_and_not_read_as_a_style() -> None:
    lines = shown(console.table(("name",), [("[red]x[/red]",)])) + shown(console.facts([("target", "[/] y")]))

    assert lines == ["name", "[red]x[/red]", "target  [/] y"]


def test_the_cells_of_a_line_begin_at_the_same_height() -> None:
    head, first, second = shown(console.table(("column", "taken as"), [("name", "word " * 20)]), width=60)

    assert head.split() == ["column", "taken", "as"]
    assert first.startswith("name")
    assert second.startswith(" ")


class TestVersions:
    def test_each_version_has_a_line_and_the_active_one_a_star(self) -> None:
        first, second = version(1), version(2)

        head, *rows = shown(console.versions_table([first, second], second.reference))

        assert head.split()[:2] == ["version", "created"]
        assert rows[0].split()[:4] == ["v1", "2026-05-01", "12:00", "logistic"]
        assert rows[1].split()[:2] == ["*", "v2"]

    def test_a_version_of_the_same_number_but_another_digest_is_not_the_active_one(self) -> None:
        _, row = shown(console.versions_table([version(1)], Reference(1, "0" * 64)))

        assert "*" not in row

    def test_the_table_fits_eighty_columns(self) -> None:
        named = version(1).manifest.model_copy(update={"selected": "discriminant"})
        shown_version = Version(reference_to(1, named.to_bytes()), named, named.to_bytes())

        assert all(len(line.rstrip()) <= 80 for line in shown(console.versions_table([shown_version], None)))

    def test_a_metric_that_the_holdout_could_not_tell_is_unknown(self) -> None:
        metrics = iris_package().describe(1).metrics

        _, row = shown(
            console.versions_table(
                [version(1, metrics=Metrics(cross_validated=metrics.cross_validated, holdout={}))], None
            )
        )

        assert "unknown" in row.split()

    def test_the_line_fits_a_terminal_of_ordinary_width(self) -> None:
        assert len(shown(console.versions_table([version(1)], None), width=100)) == 2


class TestLeaderboard:
    def test_the_metric_chosen_by_comes_first(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{number},{'ab'[number // 20]}")
        trained = learned(tmp_path, text, TREE, select_by="log_loss")

        title, *_, head, row = shown(console.leaderboard_table(trained))

        assert title == "Candidates, cross-validated"
        assert head.split()[:3] == ["candidate", "loss", "accuracy"]
        assert row.split()[0] == "tree"
        assert "+-" in row

    def test_a_candidate_that_failed_says_why(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{number},{'ab'[number // 20]}")
        broken = TREE | {"name": "broken", "params": {"max_depth": -1}}

        board = shown(console.leaderboard_table(learned(tmp_path, text, broken, TREE)), width=200)

        reason = next(number for number, line in enumerate(board) if line.startswith("broken failed: The 'max_depth'"))
        assert board[reason - 1].split() == ["broken", "failed"]
        assert all(len(line.rstrip()) <= 80 for line in board[:reason])  # the reason does not widen a column


class TestManifestFacts:
    @pytest.fixture
    def facts(self) -> dict[str, str]:
        return {line[:11].strip(): line[11:].strip() for line in shown(console.manifest_facts(version()), width=400)}

    def test_the_whole_reference_is_told(self, facts: dict[str, str]) -> None:
        assert facts["reference"] == str(version().reference)

    def test_features_are_told_with_their_kinds(self, facts: dict[str, str]) -> None:
        assert facts["features"].startswith("sepal_length (number), sepal_width (number)")

    def test_metrics_and_gates_are_told(self, facts: dict[str, str]) -> None:
        assert facts["holdout"].startswith("accuracy 0.9")
        assert facts["gates"].endswith("passed")

    def test_the_rows_are_told(self, facts: dict[str, str]) -> None:
        assert facts["data"].startswith("150 rows, sha256 ")
        assert facts["split"] == "120 training rows, 30 holdout rows, seed 42"
