"""The places of the parts of dates: which forms have them, and how a text is cut."""

from datetime import date

import pytest

from skylift.date_layouts import Layout
from skylift.date_writing import pieces_of

NEW_YEARS_EVE = date(2013, 12, 31).toordinal()
SEVEN = 7 * 3_600_000


@pytest.mark.parametrize(
    ("form", "text", "day", "time"),
    [
        ("%d.%m.%Y", "31.12.2013", NEW_YEARS_EVE, 0),
        ("%m/%d/%y", "12/31/69", date(1969, 12, 31).toordinal(), 0),
        ("%m/%d/%y", "12/31/68", date(2068, 12, 31).toordinal(), 0),
        ("%d-%b-%Y", "31-Dec-2013", NEW_YEARS_EVE, 0),
        ("%d.%m.%Y %H", "31.12.2013 07", NEW_YEARS_EVE, SEVEN),
        ("%H:%M, %d.%m.%Y!", "07:00, 31.12.2013!", NEW_YEARS_EVE, SEVEN),
        ("%d.%m. %H:%M %Y", "31.12. 07:00 2013", NEW_YEARS_EVE, SEVEN),
        ("%Y%m%d%H%M%S", "20131231235959", NEW_YEARS_EVE, 86_399_000),
    ],
)
def test_a_text_is_cut_at_the_places_of_its_form(form: str, text: str, day: int, time: int) -> None:
    layout = Layout.of(pieces_of(form))

    assert layout is not None
    assert layout.moment(text) == (day, time)


@pytest.mark.parametrize(
    "text", ["1.12.2013", "31/12/2013", "31.12.20131", "31.11.2013", "31.12.2013 24:00", "31.12.2013 1\uff11:00", ""]
)
def test_a_text_of_other_signs_or_length_or_of_no_time_is_none(text: str) -> None:
    layout = Layout.of(pieces_of("%d.%m.%Y %H:%M" if ":" in text else "%d.%m.%Y"))

    assert layout is not None
    assert layout.moment(text) is None


@pytest.mark.parametrize("form", ["%d.%m.%Y %I:%M %p", "%d.%m.%Y %H:%M %z", "%d.%m.%Y %M", "%d.%m.%Y %H:%M:%S.%f"])
def test_a_form_whose_parts_vary_in_width_has_no_places(form: str) -> None:
    assert Layout.of(pieces_of(form)) is None
