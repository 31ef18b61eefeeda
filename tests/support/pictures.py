"""What holds of each picture: sound SVG with a text alternative, whatever the numbers are."""

import re
from xml.etree import ElementTree as ET

from skylift.pages.markup import Markup
from skylift.pages.svg import Caption

CAPTION = Caption("key", "A <title>", "A description")

_SVG = "{http://www.w3.org/2000/svg}"


def check(picture: Markup) -> None:
    """Fail unless a picture called `CAPTION` can be read, also by those who do not see it, and in dark mode."""
    svg = ET.fromstring(picture)
    assert svg.attrib["role"] == "img"
    assert svg.attrib["aria-labelledby"] == "key-title key-desc"
    assert (svg.findtext(f"{_SVG}title"), svg.findtext(f"{_SVG}desc")) == ("A <title>", "A description")
    assert re.findall(r'(?:fill|stroke)="|#[0-9a-f]{3,6}|rgb\(', picture) == [], "it has no colour of its own"
    largest = max(float(side) for side in svg.attrib["viewBox"].split()[2:])
    places = [float(node.attrib[name]) for node in svg.iter() for name in ("x", "y", "cx", "cy") if name in node.attrib]
    assert all(-1 <= place <= largest for place in places), "nothing lies outside"
    assert "nan" not in picture
    assert "inf" not in picture
