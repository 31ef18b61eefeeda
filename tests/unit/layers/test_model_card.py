"""A stored card and what is written into it when it is shown."""

from datetime import UTC, datetime
from typing import Any

import pytest

from skylift.manifest import Manifest
from skylift.model_card import ORIGIN_SLOT, REFERENCE_SLOT, as_shown
from skylift.references import Reference
from tests.support.drift import report
from tests.support.manifests import manifest as manifest_with

REFERENCE = Reference(7, "ab" * 32)


def manifest(**lineage: Any) -> Manifest:
    made = manifest_with(created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    return made.model_copy(update={"lineage": made.lineage.model_copy(update=lineage)})


def test_the_reference_is_written_where_the_card_leaves_room() -> None:
    shown = as_shown(f"<p>{REFERENCE_SLOT}</p>".encode(), REFERENCE, manifest())

    assert shown == f"<p>{REFERENCE}</p>".encode()


@pytest.mark.parametrize(
    ("lineage", "commit"),
    [
        ({"git_commit": None, "git_dirty": None}, "of no known commit"),
        ({"git_commit": "c0ffee", "git_dirty": False}, "of commit c0ffee"),
        ({"git_commit": "c0ffee", "git_dirty": True}, "of commit c0ffee with changes"),
    ],
)
def test_so_are_the_moment_and_the_commit(lineage: dict[str, Any], commit: str) -> None:
    shown = as_shown(ORIGIN_SLOT.encode(), REFERENCE, manifest(**lineage))

    assert shown.decode() == f"trained 2026-01-02 03:04 UTC, {commit}"


def test_a_card_without_room_stays_as_it_is() -> None:
    assert as_shown(b"<p></p>", REFERENCE, manifest()) == b"<p></p>"


def test_it_is_written_once() -> None:
    shown = as_shown(f"{REFERENCE_SLOT}{REFERENCE_SLOT}".encode(), REFERENCE, manifest())

    assert shown.count(str(REFERENCE).encode()) == 1


def test_beside_the_reference_is_a_link_to_the_report_on_the_traffic() -> None:
    shown = as_shown(REFERENCE_SLOT.encode(), REFERENCE, manifest(), report(1000, longer_petals=1.5))

    assert shown.decode() == f'{REFERENCE}. <a href="drift-report">traffic of v7: drift</a>'
