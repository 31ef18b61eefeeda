"""The index of the decisions lists each of them as its own page gives it."""

import re

from tests.support.paths import ROOT

FOLDER = ROOT / "docs" / "decisions"


def test_the_index_lists_every_decision_with_its_title_date_and_status() -> None:
    pages = []
    for path in sorted(FOLDER.glob("0*.md")):
        head = re.match(r"# (.+)\n\nDate: (\d{4}-\d{2}-\d{2})\. Status: (.+)\.\n", path.read_text(encoding="utf-8"))
        assert head, f"{path.name} begins with its title and a line `Date: YYYY-MM-DD. Status: accepted.`"
        pages.append((path.name[:4], path.name, *head.groups()))

    index = (FOLDER / "README.md").read_text(encoding="utf-8")

    assert re.findall(r"^\| \[(\d{4})\]\((.+?)\) \| (.+) \| (\S+) \| (.+) \|$", index, flags=re.MULTILINE) == pages


def test_a_page_that_narrows_or_supersedes_another_is_named_there() -> None:
    for path in FOLDER.glob("0*.md"):
        for name in re.findall(r"^Date: .*\((\d{4}-.+?\.md)\)", path.read_text(encoding="utf-8"), flags=re.MULTILINE):
            assert f"decision {int(path.name[:4])}" in (FOLDER / name).read_text(encoding="utf-8"), name
