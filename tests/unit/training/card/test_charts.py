"""Pictures: sound SVG with a text alternative, whatever the numbers are."""

import re
from xml.etree import ElementTree as ET

import pytest

from training.card.charts import (
    MAX_SERIES,
    Bar,
    Caption,
    Line,
    Range,
    bars,
    columns,
    heat_map,
    lines,
    number,
    numbers,
    points,
)
from training.card.markup import Markup

SVG = "{http://www.w3.org/2000/svg}"
CAPTION = Caption("key", "A <title>", "A description")
UNIT = Range(0, 1, "x")


def parsed(picture: Markup) -> ET.Element:
    return ET.fromstring(picture)


def coordinates(picture: Markup) -> list[float]:
    svg = parsed(picture)
    return [float(node.attrib[name]) for node in svg.iter() for name in ("x", "y", "cx", "cy") if name in node.attrib]


PICTURES = {
    "bars": bars(CAPTION, [Bar("a", 1.0), Bar("<b>", -2.0, (-3, -1), marked=True)]),
    "bars of zeros": bars(CAPTION, [Bar("a", 0.0), Bar("b", 0.0)]),
    "no bars": bars(CAPTION, []),
    "lines": lines(CAPTION, [Line("a", [0, 1], [0, 1], dots=True), Line("b", [0], [1])], x=UNIT, y=UNIT, ideal=True),
    "points": points(CAPTION, [1e9, 2e9], [1e9, 3e9], x=Range(1e9, 2e9, "x"), y=Range(1e9, 3e9, "y")),
    "one point": points(CAPTION, [5], [5], x=Range.around([5], "x"), y=Range.around([5], "y")),
    "heat map": heat_map(CAPTION, ["a", "a very long name of a class"], [[3, 0], [0, 0]], x="predicted", y="true"),
    "columns": columns(CAPTION, [0.2, 0.8], [1, 3]),
    "columns without width": columns(CAPTION, [1.0], [0]),
}


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)
class TestEveryPicture:
    def test_it_is_an_image_with_title_and_description(self, picture: Markup) -> None:
        svg = parsed(picture)

        assert svg.attrib["role"] == "img"
        assert svg.attrib["aria-labelledby"] == "key-title key-desc"
        assert (svg.findtext(f"{SVG}title"), svg.findtext(f"{SVG}desc")) == ("A <title>", "A description")

    def test_it_has_no_colour_of_its_own(self, picture: Markup) -> None:
        assert re.findall(r'(?:fill|stroke)="|#[0-9a-f]{3,6}|rgb\(', picture) == []

    def test_nothing_lies_outside(self, picture: Markup) -> None:
        width, height = (float(side) for side in parsed(picture).attrib["viewBox"].split()[2:])

        assert all(-1 <= value <= max(width, height) for value in coordinates(picture))

    def test_every_number_is_one(self, picture: Markup) -> None:
        assert "nan" not in picture
        assert "inf" not in picture


def test_more_lines_than_can_be_told_apart_are_left_out() -> None:
    picture = lines(CAPTION, [Line(f"n{i}", [0, 1], [0, i]) for i in range(9)], x=UNIT, y=Range(0, 9, "y"))

    assert f"n{MAX_SERIES - 1}" in picture
    assert f"n{MAX_SERIES}<" not in picture


def test_a_long_label_is_cut() -> None:
    label = "x" * 100

    assert label not in bars(CAPTION, [Bar(label, 1.0)])


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
    picture = points(
        CAPTION,
        [1.7e9, 1.7e9 + 80],
        [1.7e9, 1.7e9 + 80],
        x=Range(1.7e9, 1.7e9 + 80, "x"),
        y=Range(1.7e9, 1.7e9 + 80, "y"),
    )

    assert all(f">{tick}<" in picture for tick in ("1700000000", "1700000020", "1700000080"))
