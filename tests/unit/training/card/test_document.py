"""The model card: one sound HTML file that says everything, and that nothing from a table can break."""

import re
from collections import Counter
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from skylift.model_card import CARD_FILE, ORIGIN_SLOT, REFERENCE_SLOT
from tests.support.models import iris_config, trained_iris, uncompiled
from tests.support.tables import LOGISTIC, RIDGE, TREE, learned, lines, mixed, public_table
from training.config import CardSection
from training.job import Trained
from training.release.packaging import pack

VOID = {"meta", "link", "br", "hr", "img"}
ABOUT = CardSection(
    title="Flowers",
    purpose="To tell them apart",
    not_for=("Trees",),
    owners=("Ada", "Grace"),
    licence="MIT",
    data="A garden",
    limits=("Weak in winter",),
)


class Page(HTMLParser):
    """Reads a page, and finds what is not closed, ids, links and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: Counter[str] = Counter()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags[tag] += 1
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [value for name in ("href", "src") if (value := given.get(name))]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


def card_of(trained: Trained) -> str:
    return pack(uncompiled(trained)).artifacts[CARD_FILE].decode()


@cache
def iris_card(*, about: CardSection | None = None) -> str:
    trained = trained_iris()
    if about is not None:
        config = iris_config().model_copy(update={"card": about})
        trained = Trained(**{name: getattr(trained, name) for name in trained.__slots__} | {"config": config})
    return card_of(trained)


@pytest.fixture(scope="module", params=["iris", "churn", "diabetes", "two classes"])
def card(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    tmp_path = tmp_path_factory.mktemp("card")
    if request.param == "iris":
        return iris_card()
    if request.param == "churn":
        sliced: dict[str, Any] = {"evaluation": {"slices": ["city", "member"]}}
        return card_of(learned(tmp_path, mixed(count=160), LOGISTIC, target="churned", **sliced))
    if request.param == "diabetes":
        return card_of(learned(tmp_path, public_table("diabetes"), RIDGE, target="target"))
    return card_of(learned(tmp_path, lines("x,n,y", lambda number: f"{number},{number % 7},{number // 20}"), TREE))


class TestEveryCard:
    def test_it_is_sound_and_its_ids_are_unique(self, card: str) -> None:
        page = Page(card)

        assert page.open == []
        assert [name for name, count in Counter(page.ids).items() if count > 1] == []

    def test_it_opens_without_a_network_and_without_scripts(self, card: str) -> None:
        page = Page(card)

        assert "script" not in page.tags
        assert {link for link in page.links if not link.startswith("#")} == {"data:,"}
        assert re.findall(r"@import|url\(", card) == []

    def test_every_link_leads_to_a_section(self, card: str) -> None:
        page = Page(card)

        assert {link.removeprefix("#") for link in page.links if link.startswith("#")} <= set(page.ids)

    def test_every_picture_has_a_text_alternative(self, card: str) -> None:
        assert card.count("<svg ") == card.count('role="img" aria-labelledby="') == card.count("<desc ")
        assert "<desc></desc>" not in card

    def test_it_follows_dark_mode_and_prints_light(self, card: str) -> None:
        assert "color-scheme: light dark" in card
        assert "@media print { :root { color-scheme: light; }" in card

    def test_it_has_one_place_for_what_only_publishing_knows(self, card: str) -> None:
        assert (card.count(REFERENCE_SLOT), card.count(ORIGIN_SLOT)) == (1, 1)

    def test_it_stays_small(self, card: str) -> None:
        assert len(card) < 200_000

    def test_nothing_unexpected_is_written(self, card: str) -> None:
        text = Page(card).text

        assert re.findall(r"\bNone\b|\bnan\b|\binf\b|\{|Measure\(", text.partition("How to call it")[0]) == []


class TestWhatItSays:
    def test_a_classification_says_how_good_it_is_from_every_side(self) -> None:
        text = Page(iris_card()).text

        for words in ("Confusion", "Calibration", "ROC", "Precision and recall", "Permutation importance",
                      "Partial dependence", "Error by slice", "How to call it", "Environment", "Gates"):  # fmt: skip
            assert words in text

    def test_a_regression_says_how_far_off_it_is(self, tmp_path: Path) -> None:
        text = Page(card_of(learned(tmp_path, public_table("diabetes"), RIDGE, target="target"))).text

        assert "Errors on the holdout" in text
        assert "Predicted and true" in text
        assert "Confusion" not in text

    def test_it_names_the_data_and_every_candidate(self) -> None:
        trained = trained_iris()

        text = Page(iris_card()).text

        assert f"sha256:{trained.table.digest}" in text
        assert all(entry.candidate in text for entry in trained.leaderboard)
        assert all(feature.name in text for feature in trained.table.contract.features)

    def test_it_says_what_people_have_said(self) -> None:
        text = Page(iris_card(about=ABOUT)).text

        for words in ("Flowers", "To tell them apart", "Trees", "Ada, Grace", "MIT", "A garden", "Weak in winter"):
            assert words in text


EVIL = "<script>alert(1)</script>\"'&</style><!-- reference -->"


def test_nothing_from_the_table_or_from_model_yaml_becomes_markup(tmp_path: Path) -> None:
    def row(number: int) -> str:
        quoted = EVIL.replace('"', '""')
        return f'"{quoted}{number % 3}",{number},"{quoted}{number // 30}"'

    quoted = EVIL.replace('"', '""')
    text = lines(f'"f{quoted}",n,y', row, count=60)
    about: Any = dict.fromkeys(("title", "purpose", "licence", "data"), EVIL)
    about |= {name: [EVIL] for name in ("not_for", "owners", "limits")}
    features: Any = {"n": {"unit": EVIL, "description": EVIL}}

    card = card_of(learned(tmp_path, text, TREE | {"name": EVIL}, card=about, features=features))

    page = Page(card)
    assert page.open == []
    assert "script" not in page.tags
    assert page.tags["style"] == 1
    assert card.count(REFERENCE_SLOT) == 1
    assert EVIL in page.text
