"""What a search begins with: of many rows, default candidates are compared on some, and a note says so."""

from pathlib import Path

import numpy as np

from skylift.contract import Contract, Target
from skylift.feature import Feature
from training.config import Candidate, ModelConfig
from training.config.table import DataSection, TargetSection
from training.data.table import Split, Table
from training.job.entrants import built, configured_or_default, folds_of

ROWS = 8_000
COMPARED = 5_000
BRIEF = 0.001
LISTED = (Candidate(name="tree", estimator="sklearn.tree.DecisionTreeClassifier"),)
CONTRACT = Contract(
    task="classification",
    features=(Feature(name="x", kind="number"),),
    target=Target(name="y", classes=("no", "yes", "rarely")),
)


def config(*, budget: float | None = None, candidates: tuple[Candidate, ...] = ()) -> ModelConfig:
    return ModelConfig(
        model="m",
        data=DataSection(path=Path("t.csv")),
        target=TargetSection(column="y"),
        budget=budget,
        candidates=candidates,
    )


def many_rows() -> tuple[Table, Split]:
    """A table of which one class has 12 of the training rows."""
    targets = np.arange(ROWS) % 2
    targets[::700] = 2
    table = Table(CONTRACT, np.arange(float(ROWS))[:, None], targets, "digest", ())
    return table, Split(np.arange(ROWS), np.arange(0))


def test_default_candidates_are_compared_on_as_many_rows_as_there_is_time_for() -> None:
    table, split = many_rows()

    folds = folds_of(config(budget=BRIEF), table, split)

    compared = np.concatenate([test for _, test in folds.outer])
    assert len(compared) == len(np.unique(compared)) == COMPARED
    assert len(folds.rows) == ROWS, "the chosen one learns from all"
    assert np.bincount(folds.targets[compared])[2] >= 6, "so many rows of each class are in any share"


def test_a_note_says_so() -> None:
    table, split = many_rows()

    *_, note = configured_or_default(config(budget=BRIEF), folds_of(config(budget=BRIEF), table, split)).notes

    assert note.startswith("candidates were compared on 5,000 of the 8,000 training rows, and the chosen one learned ")


def test_rows_for_which_there_is_time_are_all_compared_on() -> None:
    table, split = many_rows()
    folds = folds_of(config(), table, split)

    assert len(np.concatenate([test for _, test in folds.outer])) == ROWS
    assert not any("compared" in note for note in configured_or_default(config(), folds).notes)


def test_what_is_listed_is_measured_on_all_rows() -> None:
    table, split = many_rows()
    listed = config(budget=BRIEF, candidates=LISTED)
    folds = folds_of(listed, table, split)

    assert len(np.concatenate([test for _, test in folds.outer])) == ROWS
    assert configured_or_default(listed, folds).candidates == LISTED


def test_a_forest_draws_no_more_rows_than_each_fold_has() -> None:
    table, split = many_rows()
    brief = config(budget=BRIEF)
    folds = folds_of(brief, table, split)

    candidates = configured_or_default(brief, folds).candidates
    forest = next(made for made in built(brief, folds, candidates) if made.candidate.name == "forest")

    assert 0 < forest.estimator.max_samples <= min(len(train) for train, _ in folds.outer)
