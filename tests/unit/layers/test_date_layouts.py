"""The places of the parts of dates: which forms have them, and how a text is cut."""

import pytest

from skylift.date_layouts import Layout
from skylift.date_writing import pieces_of


@pytest.mark.parametrize(
    ("form", "text", "iso"),
    [
        ("%d.%m.%Y", "31.12.2013", "2013-12-31"),
        ("%m/%d/%y", "12/31/69", "1969-12-31"),
        ("%m/%d/%y", "12/31/68", "2068-12-31"),
        ("%d-%b-%Y", "31-Dec-2013", "2013-12-31"),
        ("%d.%m.%Y %H", "31.12.2013 07", "2013-12-31T07"),
        ("%Y%m%d%H%M%S", "20131231235959", "2013-12-31T23:59:59"),
    ],
)
def test_a_text_is_cut_at_the_places_of_its_form(form: str, text: str, iso: str) -> None:
    layout = Layout.of(pieces_of(form))

    assert layout is not None
    assert layout.iso(text) == iso


@pytest.mark.parametrize("text", ["1.12.2013", "31/12/2013", "31.12.20131", "31.12.2013 24:00", ""])
def test_a_text_of_other_signs_or_length_is_none(text: str) -> None:
    layout = Layout.of(pieces_of("%d.%m.%Y %H:%M" if ":" in text else "%d.%m.%Y"))

    assert layout is not None
    assert layout.iso(text) is None


@pytest.mark.parametrize("form", ["%d.%m.%Y %I:%M %p", "%d.%m.%Y %H:%M %z", "%d.%m.%Y %M", "%d.%m.%Y %H:%M:%S.%f"])
def test_a_form_whose_parts_vary_in_width_has_no_places(form: str) -> None:
    assert Layout.of(pieces_of(form)) is None
