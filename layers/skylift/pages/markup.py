"""HTML and SVG as text, where everything that is not markup by its type is escaped."""

from collections.abc import Iterable
from html import escape

_VOID = {"br", "hr", "img", "link", "meta"}


class Markup(str):
    """Text that is HTML already. Only this module and files of this project make it: never data."""

    __slots__ = ()


type Content = str | int | Iterable["Content"] | None
"""What an element holds: markup as it is, other text escaped, None for nothing."""


def element(tag: str, *content: Content, **attributes: object) -> Markup:
    """One element.

    Parameters
    ----------
    attributes
        Values are escaped. `class_` is `class`, underscores become hyphens; those that are None are left out.

    Examples
    --------
    >>> element("p", "1 < 2 ", element("b", "yes"), class_="note")
    '<p class="note">1 &lt; 2 <b>yes</b></p>'
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    inner = joined(*content)
    return Markup(f"<{tag}{written}>{inner}" + ("" if tag in _VOID else f"</{tag}>"))


def joined(*content: Content) -> Markup:
    """Content one after the other."""
    return Markup("".join(_text(part) for part in content))


def _text(content: Content) -> str:
    match content:
        case None:
            return ""
        case Markup():
            return str(content)
        case str() | int():
            return escape(str(content))
        case _:
            return joined(*content)
