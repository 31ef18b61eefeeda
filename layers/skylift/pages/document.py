"""A whole page: one file that opens without a network, prints, follows light and dark, and holds no script."""

from importlib.resources import files

from skylift.pages.markup import Content, Markup, element, joined


def stylesheet() -> Markup:
    """The style of all pages."""
    return Markup(files("skylift.pages").joinpath("page.css").read_text(encoding="utf-8"))


def document(title: str, *content: Content) -> bytes:
    """A page as UTF-8, with `?` for half of a surrogate pair, which JSON can hold.

    Parameters
    ----------
    title
        Title of the browser's tab.
    content
        What the body holds.
    """
    head = joined(
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("link", rel="icon", href="data:,"),
        element("style", stylesheet()),
    )
    page = element("html", element("head", head), element("body", *content), lang="en")
    return f"<!doctype html>\n{page}\n".encode(errors="replace")


def contents(sections: dict[str, str]) -> Markup:
    """Links to the sections of a page.

    Parameters
    ----------
    sections
        Headings by the key of the section.
    """
    links = [element("li", element("a", heading, href=f"#{key}")) for key, heading in sections.items()]
    return element("nav", element("ul", *links), aria_label="Sections")


def tiles(cells: list[Content]) -> Markup:
    """What matters most, at a glance."""
    return element("ul", *(element("li", cell) for cell in cells), class_="tiles")
