"""Answers stand in the line of their request, short enough for it."""

import json
import math

import pytest

from skylift.monitoring.answers import MAX_BYTES, decode, encode


def test_classes_are_their_codes() -> None:
    assert encode([2, 0, 1]) == [2, 0, 1]


def test_values_have_seven_digits_and_null_is_what_is_not_finite() -> None:
    assert encode([152.123456789, 0.1, math.nan, math.inf]) == [152.1235, 0.1, None, None]


@pytest.mark.parametrize("answers", [[2, 0], [1.5, -3.25e-7]])
def test_what_was_written_is_read(answers: list[int] | list[float]) -> None:
    assert decode(json.loads(json.dumps(encode(answers)))) == answers


def test_null_is_read_as_nan() -> None:
    (read,) = decode([None]) or []

    assert math.isnan(read)


@pytest.mark.parametrize("member", [None, "1", {"0": 1}, [True], ["1"], [[1]]])
def test_what_is_not_a_list_of_numbers_is_not_read(member: object) -> None:
    assert decode(member) is None


def test_as_many_as_are_written_fit_into_a_line() -> None:
    longest = -1.234567e-308
    most = MAX_BYTES // len(f"{longest},")

    assert len(json.dumps(encode([longest] * most), separators=(",", ":"))) <= MAX_BYTES + 1
    assert encode([longest] * (most + 1)) is None
