"""Compares two versions: what they are made of, and how they answer the same rows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skylift.contract import Contract
from skylift.documents import Document
from skylift.errors import IntegrityError, UnservableModel
from skylift.feature import Scalar
from skylift.figures import exact_text
from skylift.manifest import Manifest
from skylift.metrics import Interval, Spread
from skylift.registry import Registry
from skylift.scoring import Matrix
from skylift.verification import Version
from training.config.table import TableSpec
from training.data.encoded import read_table
from training.data.split import split_rows
from training.data.table import Table
from training.evaluation.champion import is_split_of, labelled_like, rows_for, scores_like
from training.metrics.intervals import Difference, difference
from training.metrics.registry import DEFAULT_METRIC, selectable
from training.metrics.resamples import ScoredRows

_SHOWN_ROWS = 50


class PublishedMetric(Document):
    """A metric of one version, as it was published.

    Parameters
    ----------
    interval
        Interval of the holdout's value; None in versions that older releases made.
    """

    cross_validated: Spread | None = None
    holdout: float | None = None
    interval: Interval | None = None


class ComparedFact(Document):
    """One thing about both versions, in words; None where one has no such thing."""

    name: str
    before: str | None
    after: str | None

    @property
    def differs(self) -> bool:
        """Whether it is not the same."""
        return self.before != self.after


class ChangedRow(Document):
    """A row that the versions answer differently.

    Parameters
    ----------
    row
        Number of the row in the table, from 1, rows without a target not counted.
    true, before, after
        Labels, or values of a regression.
    """

    row: int
    true: Scalar
    before: Scalar
    after: Scalar


class Scored(Document):
    """Both versions on the same rows.

    Parameters
    ----------
    rows
        Number of holdout rows of the table that `model.yaml` names.
    differences
        Differences by metric, the one the later version was selected by first.
    changed
        Number of rows with another label; None for regression.
    examples
        First rows with another label; for regression the rows whose values differ most. At most 50.
    """

    rows: int
    differences: tuple[Difference, ...]
    changed: int | None = None
    examples: tuple[ChangedRow, ...]


class Comparison(Document):
    """Two versions side by side.

    Parameters
    ----------
    before, after
        Names of the versions.
    metrics
        Metrics of both versions, by name.
    data, parameters, environment
        Table, parameters and packages of both versions.
    scored
        Comparison on the same rows; None if both could not score them.
    notes
        Limits of the above, in words for people.
    """

    before: str
    after: str
    metrics: dict[str, tuple[PublishedMetric, PublishedMetric]]
    data: tuple[ComparedFact, ...]
    parameters: tuple[ComparedFact, ...]
    environment: tuple[ComparedFact, ...]
    scored: Scored | None = None
    notes: tuple[str, ...] = ()


def compare_versions(registry: Registry, before: Version, after: Version, spec: TableSpec) -> Comparison:
    """Compare two versions of a model.

    Parameters
    ----------
    spec
        The table and the split whose holdout both score.

    Raises
    ------
    DataError, ConfigError
        The table cannot be read.
    """
    table = read_table(spec)
    holdout = split_rows(table, holdout=spec.split.holdout, seed=spec.split.seed).holdout
    notes = [note for version in (before, after) if (note := _about_table(version.manifest, table, spec))]
    scores: list[Matrix] = []
    for version in (before, after):
        version_scores, reason = _scores(registry, version, table, holdout)
        if version_scores is None:
            notes.append(f"{version.manifest.name} could not score the rows: {reason}")
        else:
            scores.append(version_scores)
    first, second = before.manifest, after.manifest
    contracts = [labelled_like(manifest.contract, table.contract) for manifest in (first, second)]
    scored = _scored(contracts, table, holdout, scores, second.select_by, spec.split.seed) if len(scores) == 2 else None
    names = dict.fromkeys([*second.metrics.cross_validated, *first.metrics.cross_validated, *second.metrics.holdout])
    return Comparison(
        before=first.name,
        after=second.name,
        metrics={name: (_side(first, name), _side(second, name)) for name in names},
        data=_pairs(_data(first), _data(second)),
        parameters=_pairs(_parameters(first), _parameters(second)),
        environment=_pairs(first.environment, second.environment),
        scored=scored,
        notes=tuple(notes),
    )


def _about_table(manifest: Manifest, table: Table, spec: TableSpec) -> str | None:
    """What makes a version's answers on this holdout less telling."""
    lineage = manifest.lineage
    if lineage.data_sha256 != table.digest:
        return (
            f"{spec.data.path.name} is not the table that {manifest.name} was trained on: "
            "it may have been trained on some of these rows, and the distribution may differ"
        )
    if not is_split_of(lineage, spec.split):
        return f"{manifest.name} was trained with another split: it was trained on some of these rows"
    return None


def _scores(
    registry: Registry, version: Version, table: Table, holdout: NDArray[np.int64]
) -> tuple[Matrix | None, str]:
    try:
        encoder = registry.encoder(version)
        rows, problem = rows_for(encoder, table, holdout)
        if rows is None:
            return None, f"its contract does not fit this table: {problem}"
        return scores_like(encoder.contract, table, registry.predictor(version).scores(rows)), ""
    except (IntegrityError, UnservableModel) as error:
        return None, error.message


def _scored(
    contracts: list[Contract],
    table: Table,
    holdout: NDArray[np.int64],
    scores: list[Matrix],
    select_by: str,
    seed: int,
) -> Scored:
    contract, targets = contracts[-1], table.targets[holdout]
    sides = [ScoredRows(one.target, targets, part) for one, part in zip(contracts, scores, strict=True)]
    names = [metric.name for metric in selectable(contract.task)]
    order = dict.fromkeys([select_by, DEFAULT_METRIC[contract.task], *names])
    differences = [
        difference(*sides, metric=metric, seed=seed, clusters=table.clusters(holdout))
        for metric in order
        if metric in names
    ]
    answers: list[NDArray[Any]]
    if contract.task == "classification":
        answers = [side.labels for side in sides]
        different = np.flatnonzero(answers[0] != answers[1])
        changed = len(different)
    else:
        answers, changed = list(scores), None
        apart = np.abs(scores[0] - scores[1])
        different = np.argsort(-apart, kind="stable")[: np.count_nonzero(apart)]
    return Scored(
        rows=len(holdout),
        differences=tuple(known for known in differences if np.isfinite([known.before, known.after]).all()),
        changed=changed,
        examples=tuple(
            ChangedRow(
                row=int(holdout[place]) + 1,
                true=_shown(contract, targets[place]),
                before=_shown(contract, answers[0][place]),
                after=_shown(contract, answers[1][place]),
            )
            for place in different[:_SHOWN_ROWS]
        ),
    )


def _shown(contract: Contract, answer: Any) -> Scalar:
    return contract.target.classes[int(answer)] if contract.target.classes else float(answer)


def _side(manifest: Manifest, metric: str) -> PublishedMetric:
    metrics = manifest.metrics
    return PublishedMetric(
        cross_validated=metrics.cross_validated.get(metric),
        holdout=metrics.holdout.get(metric),
        interval=metrics.intervals.get(metric),
    )


def _data(manifest: Manifest) -> dict[str, str]:
    lineage, contract = manifest.lineage, manifest.contract
    return {
        "table": f"sha256 {lineage.data_sha256[:12]}",
        "rows": f"{lineage.data_rows:,}",
        "training rows": f"{lineage.train_rows:,}",
        "holdout": f"{lineage.holdout_rows:,} ({exact_text(lineage.holdout)})",
        "seed": str(lineage.seed),
        "split": f"{lineage.split} by {lineage.split_column}" if lineage.split_column else lineage.split,
        "target": contract.target.name,
        "features": ", ".join(f"{feature.name} ({feature.kind})" for feature in contract.features),
    }


def _parameters(manifest: Manifest) -> dict[str, str]:
    entry = next(entry for entry in manifest.leaderboard if entry.candidate == manifest.selected)
    parameters = {"candidate": manifest.selected, "estimator": entry.estimator, "select_by": manifest.select_by}
    return parameters | {name: str(value) for name, value in entry.params.items()}


def _pairs(before: dict[str, str], after: dict[str, str]) -> tuple[ComparedFact, ...]:
    names = dict.fromkeys([*before, *after])
    return tuple(ComparedFact(name=name, before=before.get(name), after=after.get(name)) for name in names)
