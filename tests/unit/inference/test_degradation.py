"""What a refresh does becomes a problem when it takes longer than a few intervals."""

from datetime import UTC, datetime

import pytest

from inference.degradation import Degradation, Step
from skylift.references import Reference

AT = datetime(2026, 1, 1, tzinfo=UTC)
V7 = Reference(7, "0" * 64)


@pytest.mark.parametrize(("refresh_seconds", "limit"), [(0, 5), (0.3, 5), (15, 45), (60, 180)])
@pytest.mark.parametrize("reference", [None, V7], ids=["reading", "switch"])
def test_it_is_late_after_three_intervals_and_not_before_five_seconds(
    refresh_seconds: float, limit: float, reference: Reference | None
) -> None:
    step = Step(1000, AT, reference)

    assert step.lateness(1000 + limit, refresh_seconds) is None
    assert step.lateness(1000 + limit + 0.1, refresh_seconds) is not None


def test_a_late_reading_is_a_stale_pointer_since_it_was_last_read() -> None:
    assert Step(0, AT).lateness(46, 15) == Degradation(
        "pointer-stale", "the pointer was not read for more than 45 s", AT
    )


def test_a_late_switch_names_the_version() -> None:
    assert Step(0, AT, V7).lateness(46, 15) == Degradation("switch-slow", "loading v7 takes more than 45 s", AT, V7)
