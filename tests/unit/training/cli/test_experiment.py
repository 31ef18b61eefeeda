"""`skylift simulate`: a table for people, one document for programs."""

import json

import pytest
from typer.testing import CliRunner

from training.cli.app import app

BUSY = ["simulate", "--requests-per-minute", "2000", "--error-rate", "0.002", "--percent", "5", "--runs", "200"]


def test_programs_get_one_document() -> None:
    result = CliRunner().invoke(app, [*BUSY, "--json"])

    document = json.loads(result.stdout)
    assert set(document) == {"runs", "alpha", "cases"}
    assert (document["runs"], document["alpha"]) == (200, 0.01)
    assert [case["challenger_error_rate"] for case in document["cases"]] == [0.002, 0.01, 0.05, 0.5]
    assert {*document["cases"][0]} == {
        "challenger_error_rate",
        "stopped_share",
        "median_minutes_to_stop",
        "promoted_share",
        "inconclusive_share",
    }


def test_people_get_a_table() -> None:
    result = CliRunner().invoke(app, BUSY)

    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()[1:5]] == ["0.2%", "1%", "5%", "50%"]
    assert "at most 1%" in result.stdout


@pytest.mark.parametrize("wrong", [["--percent", "100"], ["--percent", "0"], ["--error-rate", "1.5"], ["--runs", "1"]])
def test_wrong_usage_is_refused(wrong: list[str]) -> None:
    assert CliRunner().invoke(app, ["simulate", *wrong]).exit_code == 2
