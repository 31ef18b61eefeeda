"""Charts: bars and lines that can be told apart."""

import pytest

from skylift.pages.charts import MAX_SERIES, Bar, Line, Pair, bars, lines, pairs
from skylift.pages.markup import Markup
from skylift.pages.svg import Range
from tests.support.pictures import CAPTION, check

UNIT = Range(0, 1, "x")
PICTURES = {
    "bars": bars(CAPTION, [Bar("a", 1.0), Bar("<b>", -2.0, (-3, -1), marked=True)]),
    "bars of zeros": bars(CAPTION, [Bar("a", 0.0), Bar("b", 0.0)]),
    "no bars": bars(CAPTION, []),
    "pairs": pairs(CAPTION, ("a", "b"), [Pair("<b>", (0.2, 0.8), ("20%", "80%")), Pair("d", (0, 0), ("0%", "0%"))]),
    "pairs of zeros": pairs(CAPTION, ("a", "b"), [Pair("c", (0, 0), ("0", "0"))]),
    "no pairs": pairs(CAPTION, ("a", "b"), []),
    "lines": lines(CAPTION, [Line("a", [0, 1], [0, 1], dots=True), Line("b", [0], [1])], x=UNIT, y=UNIT, ideal=True),
}


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)
def test_a_chart_is_sound(picture: Markup) -> None:
    check(picture)


def test_more_lines_than_can_be_told_apart_are_left_out() -> None:
    picture = lines(CAPTION, [Line(f"n{i}", [0, 1], [0, i]) for i in range(9)], x=UNIT, y=Range(0, 9, "y"))

    assert f"n{MAX_SERIES - 1}" in picture
    assert f"n{MAX_SERIES}<" not in picture


def test_a_long_label_is_cut() -> None:
    label = "x" * 100

    assert label not in bars(CAPTION, [Bar(label, 1.0)])
