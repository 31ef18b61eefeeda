"""Pages as people read them."""

import re
from html.parser import HTMLParser
from pathlib import Path


class _Text(HTMLParser):
    """Collects text."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def text_of(markup: str) -> str:
    """The text of markup, without what separates it."""
    page = _Text()
    page.feed(markup)
    page.close()
    return "".join(page.parts)


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page of Markdown."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
