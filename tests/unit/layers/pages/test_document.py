"""A page: one file for any browser, that needs nothing else."""

from skylift.pages.document import contents, document, tiles
from skylift.pages.markup import element


def test_a_page_opens_without_a_network_and_holds_no_script() -> None:
    page = document("A <title>", element("p", "text")).decode()

    assert page.startswith('<!doctype html>\n<html lang="en">')
    assert "<title>A &lt;title&gt;</title>" in page
    assert all(word not in page for word in ("<script", "http", "url(", "@import"))


def test_it_follows_light_and_dark() -> None:
    assert b"color-scheme: light dark" in document("")


def test_half_of_a_surrogate_pair_does_not_keep_the_page_from_being_written() -> None:
    assert b"<p>a ? b</p>" in document("", element("p", "a \ud800 b"))


def test_sections_are_linked_by_their_headings() -> None:
    assert '<li><a href="#data">Data &amp; rows</a></li>' in contents({"data": "Data & rows"})


def test_what_matters_most_stands_side_by_side() -> None:
    assert tiles(["rows", ["state", element("b", "drift")]]) == (
        '<ul class="tiles"><li>rows</li><li>state<b>drift</b></li></ul>'
    )
