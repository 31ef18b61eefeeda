"""Figures reach tracked pages only when they are published."""

import subprocess
from pathlib import Path

import pytest

from benchmarks.pages import write_figures
from tests.support.paths import ROOT
from tests.support.runbooks import environment_is_posix

PAGE = "before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n"


def test_figures_between_the_markers_are_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE, encoding="utf-8")

    write_figures("new\n", page)

    assert page.read_text(encoding="utf-8") == PAGE.replace("old", "new")


@pytest.mark.parametrize("text", ["no markers", PAGE + PAGE])
def test_a_page_without_exactly_one_pair_of_markers_is_refused(tmp_path: Path, text: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")

    with pytest.raises(ValueError, match=r"page\.md has [02] sections"):
        write_figures("new\n", page)


@pytest.mark.skipif(not environment_is_posix(), reason="the Makefile is for a POSIX shell")
@pytest.mark.parametrize(("variables", "publishes"), [([], False), (["PUBLISH=1"], True)])
def test_make_bench_publishes_only_on_request(variables: list[str], publishes: bool) -> None:
    commands = subprocess.run(
        ["make", "--dry-run", "bench", *variables], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    assert "-m benchmarks" in commands
    assert ("-m benchmarks.publish" in commands) is publishes
