"""How a table writes dates: with or without zeros, months by name, clocks of twelve hours."""

from datetime import date, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from skylift.date_layouts import Layout, Moment
from skylift.date_writing import Writing, pieces_of
from tests.support.contracts import modest

AFTERNOON = (date(2013, 7, 4).toordinal(), (15 * 60 + 5) * 60_000)
PLACED = ("%d.%m.%Y", "%m/%d/%y", "%d-%b-%Y", "%d%b%Y", "%d.%m.%Y %H:%M", "%y%m%d%H%M%S", "%H:%M %d/%m/%Y")


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
    assert Writing("%d%b%Y").read("1Sept2013") == (date(2013, 9, 1).toordinal(), 0)


def test_another_text_is_none_and_another_day_an_error() -> None:
    assert Writing("%d.%m.%Y").read("31/12/2013") is None
    with pytest.raises(ValueError, match="day"):
        Writing("%d.%m.%Y").read("31.02.2013")


@modest
@given(
    st.sampled_from(PLACED),
    st.datetimes(datetime(1970, 1, 1), datetime(2060, 1, 1)),  # noqa: DTZ001 (the clock of a column)
    st.lists(st.tuples(st.integers(0, 19), st.sampled_from([*"0123469 :./-WTZ+Nn", "\uff11", "\0"])), max_size=2),
)
@example("%d.%m.%Y %H:%M", datetime(2024, 2, 28, 23, 59), [(1, "9")])  # noqa: DTZ001
@example("%d.%m.%Y %H:%M", datetime(2023, 2, 28, 23, 59), [(1, "9")])  # noqa: DTZ001
@example("%d.%m.%Y %H:%M", datetime(2023, 2, 28, 20, 59), [(12, "4")])  # noqa: DTZ001
def test_a_text_that_is_cut_is_read_as_one_that_is_searched(
    form: str, moment: datetime, changes: list[tuple[int, str]]
) -> None:
    signs = [*moment.strftime(form)]
    for place, sign in changes:
        signs[place % len(signs)] = sign
    text = "".join(signs)
    layout = Layout.of(pieces_of(form))
    assert layout is not None

    cut = layout.moment(text)

    assert cut is not None or changes
    assert cut in {None, searched(form, text)}


def searched(form: str, text: str) -> Moment | None:
    """What a form finds in a text; None if there is no such day."""
    try:
        return Writing(form).read(text)
    except ValueError:
        return None
