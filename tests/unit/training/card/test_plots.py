"""Pictures as files: each opens on its own, in its own colours."""

from pathlib import Path
from xml.etree import ElementTree as ET

from tests.support.models import trained_iris
from tests.support.tables import RIDGE, learned, public_table
from training.card.plots import plots


def test_a_classification_has_its_own() -> None:
    assert set(plots(trained_iris().evaluation)) >= {
        "plots/confusion.svg",
        "plots/calibration.svg",
        "plots/roc.svg",
        "plots/precision-recall.svg",
        "plots/importance.svg",
        "plots/effect-0.svg",
    }


def test_a_regression_has_its_own(tmp_path: Path) -> None:
    made = plots(learned(tmp_path, public_table("diabetes"), RIDGE, target="target").evaluation)

    assert "plots/residuals.svg" in made
    assert "plots/confusion.svg" not in made


def test_each_is_sound_and_brings_its_colours() -> None:
    for data in plots(trained_iris().evaluation).values():
        svg = ET.fromstring(data)
        assert "--ink" in (svg.findtext("{http://www.w3.org/2000/svg}style") or "")
