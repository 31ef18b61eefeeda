"""Markup: text is escaped unless its type says that it is markup."""

import pytest

from skylift.pages.markup import Markup, element, joined


@pytest.mark.parametrize("data", ["<script>alert(1)</script>", "a \"b\" & 'c'", "</style>", "<!-- reference -->"])
def test_text_cannot_become_markup(data: str) -> None:
    made = element("p", data, title=data)

    assert made.count("<") == 2, "the element's own"
    assert "-->" not in made


def test_markup_stays_as_it_is() -> None:
    assert element("p", element("b", "x"), Markup("<i>y</i>")) == "<p><b>x</b><i>y</i></p>"


def test_names_that_python_keeps_to_itself_can_be_written() -> None:
    assert element("td", class_="n", aria_label="x") == '<td class="n" aria-label="x"></td>'


def test_what_is_none_is_left_out() -> None:
    assert element("p", None, ["a", None, 1], title=None) == "<p>a1</p>"


def test_elements_without_content_have_no_end() -> None:
    assert joined(element("meta", charset="utf-8"), "x") == '<meta charset="utf-8">x'
