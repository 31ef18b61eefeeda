"""Pieces of a page: numbers as long as they say something, tables, lists and verdicts as sound markup."""

import pytest

from skylift.pages.parts import digits, facts, points, section, table, verdict


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "unknown"), (0.123456, "0.1235"), (-9.5, "-9.5000"), (12.345, "12.35"), (1234.5, "1,234"), (0, "0.0000")],
)
def test_a_number_has_fewer_decimals_the_larger_it_is(value: float | None, text: str) -> None:
    assert digits(value) == text


def test_a_table_has_row_heads_number_columns_and_a_marked_row() -> None:
    made = table(("name", "rows#"), [("a", "1"), ("<b>", "2")], caption="Parts", marked=1)

    assert '<th scope="col">name</th><th scope="col" class="n">rows</th>' in made
    assert '<tr><th scope="row">a</th><td class="n">1</td></tr>' in made
    assert '<tr class="marked"><th scope="row">&lt;b&gt;</th>' in made
    assert 'aria-label="Parts"' in made


def test_facts_of_which_nothing_is_known_are_left_out() -> None:
    assert facts([("Owner", "Ada"), ("Licence", None), ("Data", "")]) == "<dl><dt>Owner</dt><dd>Ada</dd></dl>"


def test_a_list_and_a_section_escape_what_they_hold() -> None:
    assert points(["a", "<b>"]) == "<ul><li>a</li><li>&lt;b&gt;</li></ul>"
    assert section("data", "Data & rows") == (
        '<section aria-labelledby="data"><h2 id="data">Data &amp; rows</h2></section>'
    )


@pytest.mark.parametrize(
    ("good", "text"), [(True, '<span class="good">yes</span>'), (False, '<span class="bad">no</span>')]
)
def test_a_verdict_is_a_word_as_well_as_a_colour(good: bool, text: str) -> None:
    assert verdict(good, "yes", "no") == text
