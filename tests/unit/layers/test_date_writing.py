"""How a table writes dates: with or without zeros, months by name, clocks of twelve hours."""

from datetime import datetime

import pytest

from skylift.date_writing import Writing

AFTERNOON = datetime(2013, 7, 4, 15, 5)  # noqa: DTZ001 (the clock of the column)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%d.%m.%Y %H:%M", "04.07.2013 15:05"),
        ("%d.%m.%Y %H:%M", "4.7.2013 15:05"),
        ("%m/%d/%y %I:%M %p", "7/4/13 3:05 p.m."),
        ("%d %b %Y %H:%M", "4 July 2013 15:05"),
        ("%d.%m.%Y %H:%M:%S.%f", "4.7.2013 15:05:00.0000009"),
        ("%d.%m.%Y %H:%M %z", "4.7.2013 17:05 +0200"),
    ],
)
def test_a_text_is_read_whether_or_not_its_parts_have_their_places(form: str, text: str) -> None:
    assert Writing(form).read(text) == AFTERNOON


def test_a_month_of_four_letters_is_found_where_three_are_cut() -> None:
    assert Writing("%d%b%Y").read("1Sept2013") == datetime(2013, 9, 1)  # noqa: DTZ001 (it has no offset)


def test_another_text_is_none_and_another_day_an_error() -> None:
    assert Writing("%d.%m.%Y").read("31/12/2013") is None
    with pytest.raises(ValueError, match="day"):
        Writing("%d.%m.%Y").read("31.02.2013")
