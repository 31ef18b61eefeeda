"""Pages as people read them."""

from html.parser import HTMLParser


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
