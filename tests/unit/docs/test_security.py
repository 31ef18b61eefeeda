"""Who can do what: each row names a test that exists, and the roles may what the page says."""

import re
from collections.abc import Iterable

import pytest

from tests.support.paths import ROOT
from tests.support.templates import Stack, stack_of

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
THREATS, ROLES = "# Security: who can do what", "## What each role may"
EVERYTHING = {
    "SignVersions": "true",
    "TrustedKeyArns": "arn:aws:kms:eu-central-1:210987654321:key/1",
    "Labels": "true",
    "Batch": "true",
    "Retraining": "true",
    "RetrainSchedule": "rate(7 days)",
    "RetrainOnData": "true",
    "RetrainOnDrift": "true",
    "RetrainRollout": "auto",
    "RetrainSubnets": "subnet-1",
}
"""Parameters that make every part of the stack."""

LOGS_AND_TRACES = {
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "s3:ListBucket",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}


def rows(heading: str) -> list[list[str]]:
    """Cells of the rows of the table below a heading, without its head."""
    section = PAGE.partition(f"{heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


def test_there_are_rows() -> None:
    assert len(rows(THREATS)) >= 20


@pytest.mark.parametrize("row", rows(THREATS), ids=lambda row: re.sub(r"\W+", "-", f"{row[0]}-{row[2]}")[:80])
def test_a_row_says_what_stops_it_and_names_a_test(row: list[str]) -> None:
    who, can, cannot, stops, shown = row
    assert all((who, can, cannot, stops))
    named = re.fullmatch(r"`(tests/\S+\.py)::(test_\w+)`", shown)

    assert named
    path = ROOT / named[1]
    assert not path.parent.exists() or f"def {named[2]}(" in path.read_text(encoding="utf-8")


def test_each_role_may_what_its_row_says_and_nothing_else() -> None:
    stack = stack_of(**EVERYTHING)

    assert [line(row) for row in rows(ROLES)] == [line(_row(stack, role)) for role in sorted(stack.roles())]


def line(row: list[str]) -> str:
    """A row as the page has it."""
    return f"| {' | '.join(row)} |"


def _row(stack: Stack, role: str) -> list[str]:
    """Its name, objects that it reads and writes, parameters that it reads and writes, and what else it calls."""
    grants = stack.grants(role)
    read, written = grants.pop("s3:GetObject", set()), grants.pop("s3:PutObject", set())
    asked = set[str]().union(*(grants.pop(action) for action in list(grants) if action.startswith("ssm:GetParameter")))
    moved = grants.pop("ssm:PutParameter", set())
    called = grants.keys() - LOGS_AND_TRACES
    return [
        f"`{role}`",
        _listed(map(_folder, read)),
        _listed(map(_folder, written)),
        _listed(map(_name, asked)),
        _listed(map(_name, moved)),
        _listed(called),
    ]


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(f"`{text}`" for text in sorted(texts))


def _folder(resource: str) -> str:
    """Objects of iris without bucket, model and what every name fits: `models`, `reports/latest*`."""
    return resource.removeprefix("ModelBucket.Arn/").replace("/iris", "").removesuffix("/*")


def _name(parameter: str) -> str:
    return parameter.rpartition("/")[2]


def test_no_role_both_writes_versions_and_moves_a_parameter() -> None:
    stack = stack_of(**EVERYTHING)
    publish = {role for role in stack.roles() if any("/models/" in place for place in _written(stack, role))}
    move = {role for role in stack.roles() if "ssm:PutParameter" in stack.grants(role)}

    assert publish == {"PublishRole", "RetrainRole", "RetrainTaskRole"}
    assert move == {"ActivePointerRole", "AutoRollbackRole", "PromoteRole", "RolloutRole"}


def _written(stack: Stack, role: str) -> set[str]:
    return stack.grants(role).get("s3:PutObject", set())
