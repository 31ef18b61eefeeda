"""Links between pages lead somewhere."""

import re

from tests.support.pages import anchors
from tests.support.paths import ROOT

PAGES = [*ROOT.glob("*.md"), *(ROOT / ".github").glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def test_every_link_to_a_file_or_a_heading_leads_there() -> None:
    broken = []
    for page in PAGES:
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            if "://" not in link and not (target.exists() and (not anchor or anchor in anchors(target))):
                broken.append((str(page.relative_to(ROOT)), link))

    assert broken == []
