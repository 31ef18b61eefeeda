"""What a search begins with: the folds of the training rows, and the candidates."""

from dataclasses import replace

from training.config import Candidate, ModelConfig
from training.config.table import RARE
from training.data.table import Split, Table
from training.search.candidates import Built, build
from training.search.defaults import Defaults, default_candidates, rows_to_compare_on
from training.search.fitting import Folds, cut_folds, inner_folds, smallest_class
from training.search.inner_cuts import without_random_cuts


def folds_of(config: ModelConfig, table: Table, split: Split) -> Folds:
    """The training rows with all their folds; of many rows, default candidates are compared on some."""
    most = None if config.candidates else rows_to_compare_on(table.contract, config.budget)
    return cut_folds(
        table.contract,
        table.rows[split.train],
        table.targets[split.train],
        seed=config.split.seed,
        nested=any(candidate.search for candidate in config.candidates),
        keys=table.keys.take(split.train) if table.keys else None,
        most=most,
    )


def configured_or_default(config: ModelConfig, folds: Folds) -> Defaults:
    """Candidates of `model.yaml`, or those by default."""
    if config.candidates:
        return Defaults(config.candidates, ())
    rows, compared = len(folds.targets), rows_to_compare_on(folds.contract, config.budget)
    classifies = folds.contract.task == "classification"
    found = default_candidates(
        folds.contract,
        rows,
        config.budget,
        rare=classifies and smallest_class(folds.targets) < RARE * rows,
        learned=min(len(train) for train, _ in folds.outer),
    )
    note = (
        f"candidates were compared on {compared:,} of the {rows:,} training rows, and the chosen one learned from all; "
        "a larger budget compares on more"
    )
    return replace(found, notes=(*found.notes, note)) if compared < rows else found


def built(config: ModelConfig, folds: Folds, candidates: tuple[Candidate, ...]) -> list[Built]:
    """The candidates, built for these folds."""
    contract, targets, keys = folds.contract, folds.targets, folds.keys
    classifies = contract.task == "classification"
    learned = smallest_class(targets[folds.outer[0][0]]) if classifies else len(targets)
    entrants = []
    for candidate in candidates:
        least = learned
        if candidate.search and classifies:
            inner = inner_folds(targets[folds.outer[0][0]], classifies=True)
            least = learned * (inner - 1) // inner
        calibration = max(2, min(len(folds.outer), least))
        made = build(candidate, contract, folds=calibration, seed=config.split.seed, code=folds.code)
        entrants.append(without_random_cuts(made, keys.kind) if keys else made)
    return entrants
