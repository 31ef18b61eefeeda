"""What pictures are drawn with: numbers and ticks that can be read and told apart."""

import pytest

from skylift.pages.markup import joined
from skylift.pages.svg import Plot, Range, number, numbers, short


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.5, "0.5"), (1 / 3, "0.3333"), (12345.6, "12,346"), (100, "100"), (1e-5, "1e-05"), (2e7, "2e+07")],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert number(value) == text


def test_numbers_that_differ_do_not_read_the_same() -> None:
    assert numbers([0.5, 12345.6]) == ["0.5", "12,346"]
    assert numbers([1_699_999_900, 1_700_000_000]) == ["1699999900", "1700000000"]


def test_ticks_of_a_small_range_far_from_zero_are_told_apart() -> None:
    side = Range(1.7e9, 1.7e9 + 80, "x")

    axes = joined(*Plot(side, side).axes())

    assert all(f">{tick}<" in axes for tick in ("1700000000", "1700000020", "1700000080"))


@pytest.mark.parametrize(("low", "high", "longest"), [(0, 1, "0.8"), (0.7, 0.76, "0.74"), (2e5, 6e5, "600,000")])
def test_numbers_beside_an_axis_leave_room_for_its_label(low: float, high: float, longest: str) -> None:
    plot = Plot(Range(0, 1, "x"), Range(low, high, "price"))

    assert f">{longest}<" in joined(*plot.axes())
    assert plot.left - 6 - 8 * len(longest) >= 12


def test_numbers_below_an_axis_are_fewer_where_they_are_long() -> None:
    def below(low: float, high: float) -> int:
        axes = joined(*Plot(Range(low, high, "x"), Range(0, 1, "y")).axes())
        return str(axes).count('text-anchor="middle"') - 2  # the labels of both axes

    assert (below(0, 1), below(2e5, 6e5), below(1.7e9, 1.7e9 + 80)) == (6, 5, 3)


def test_equal_values_have_room_around_them() -> None:
    assert (Range.around([5, 5], "x").low, Range.around([], "x").high) == (4.5, 1.05)


def test_a_text_is_cut_to_its_letters() -> None:
    assert (short("petal", 5), short("petals", 5)) == ("petal", "peta\N{HORIZONTAL ELLIPSIS}")
