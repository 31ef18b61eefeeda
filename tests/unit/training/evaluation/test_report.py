"""Evaluations that older releases published can still be read and shown."""

import dataclasses
import json
from pathlib import Path

import pytest

from skylift.model_card import CARD_FILE
from tests.support.models import trained_iris, uncompiled
from tests.support.paths import ROOT
from training.cli.evaluation_tables import evaluation_tables
from training.evaluation.report import Evaluation
from training.release.packaging import pack

STORED = sorted((ROOT / "tests" / "fixtures" / "evaluations").glob("*.json"))


def test_there_are_stored_evaluations() -> None:
    assert STORED


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.name)
def test_a_stored_evaluation_is_read_with_all_its_values(path: Path) -> None:
    stored = json.loads(path.read_bytes())

    read = Evaluation.from_bytes(path.read_bytes(), source=path.name)

    assert read.model_dump(mode="json", exclude_unset=True) == stored  # what later releases added is unset


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.name)
def test_a_stored_evaluation_is_shown_on_a_card_and_on_a_terminal(path: Path) -> None:
    evaluation = Evaluation.from_bytes(path.read_bytes(), source=path.name)
    trained = dataclasses.replace(trained_iris(), evaluation=evaluation)

    card = pack(uncompiled(trained)).artifacts[CARD_FILE].decode()

    assert f"{evaluation.metrics['log_loss'].value:.4f}" in card
    assert len(list(evaluation_tables(evaluation))) == 3
