"""Pictures of the card: sound SVG with a text alternative, whatever the numbers are."""

import pytest

from skylift.pages.markup import Markup
from skylift.pages.svg import Range
from tests.support.pictures import CAPTION, check
from training.card.charts import columns, heat_map, points

PICTURES = {
    "points": points(CAPTION, [1e9, 2e9], [1e9, 3e9], x=Range(1e9, 2e9, "x"), y=Range(1e9, 3e9, "y")),
    "one point": points(CAPTION, [5], [5], x=Range.around([5], "x"), y=Range.around([5], "y")),
    "heat map": heat_map(CAPTION, ["a", "a very long name of a class"], [[3, 0], [0, 0]], x="predicted", y="true"),
    "columns": columns(CAPTION, [0.2, 0.8], [1, 3]),
    "columns without width": columns(CAPTION, [1.0], [0]),
}


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)
def test_a_picture_is_sound(picture: Markup) -> None:
    check(picture)
