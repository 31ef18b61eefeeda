"""Numbers that people read say nothing wrong."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skylift.figures import apart, exact_share, exact_text, format_value, told_apart
from tests.support.contracts import modest


@modest
@given(st.floats(allow_nan=False))
def test_an_exact_text_reads_as_the_same_number(number: float) -> None:
    assert float(exact_text(number)) == number


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([], []),
        ([5.84333, 5.84333], ["5.843", "5.843"]),
        ([0.1 + 0.2, 0.3], ["0.3", "0.3"]),
        ([1238888, 1238889], ["1238888", "1238889"]),
        ([1.5e-7, 1.5001e-7], ["1.5e-07", "1.5001e-07"]),
    ],
)
def test_numbers_that_stand_together_are_told_apart(values: list[float], texts: list[str]) -> None:
    assert told_apart(values) == texts


@modest
@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_values_next_to_each_other_read_in_their_order(one: float, other: float) -> None:
    texts = float(apart(one, other)), float(apart(other, one))

    assert (texts[0] < texts[1], texts[0] > texts[1]) == (one < other, one > other)


@pytest.mark.parametrize(
    ("value", "other", "text"),
    [
        (0.95, 0.95, "0.9500"),
        (0.9, 0.95, "0.9000"),
        (0.9499999999, 0.95, "0.9499999999"),
        (0.1 + 0.2, 0.3, "0.30000000000000004"),
        (1700000047.26, 1700000047.27, "1700000047.2600"),
        (math.inf, 0.5, "inf"),
    ],
)
def test_a_value_has_the_digits_that_tell_it_from_another(value: float, other: float, text: str) -> None:
    assert apart(value, other) == text


@pytest.mark.parametrize(("share", "text"), [(0.05, "5%"), (0.055, "5.5%"), (0.07, "7%"), (1.0, "100%")])
def test_a_share_is_not_rounded(share: float, text: str) -> None:
    assert exact_share(share) == text


def test_small_values_keep_significant_digits_and_rounding_errors_are_nothing() -> None:
    assert (format_value(0.00000123456), format_value(-1e-15)) == ("1.235e-06", "0.0000")
