"""The active version, measured on rows of another table: it must be able to answer them as they are."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skylift.contract import Contract
from skylift.encoding import RowEncoder, date_encoder
from skylift.errors import IntegrityError, UnservableModel, VersionNotFound
from skylift.feature import Feature, Scalar
from skylift.manifest import Lineage
from skylift.registry import Registry
from skylift.scoring import Matrix, Predictor
from skylift.verification import Version
from training.config.table import SplitSection
from training.data.table import Table
from training.evaluation.report import Champion
from training.metrics.intervals import difference
from training.metrics.resamples import Clusters, ScoredRows
from training.metrics.scores import regression_from, score_metrics


@dataclass(frozen=True, slots=True)
class ActiveVersion:
    """The active version.

    Parameters
    ----------
    name, reference
        Name and reference of the version.
    version
        Manifest and files; None if they cannot be read.
    predictor, encoder
        What scores, and what encodes the rows for it; None if its model cannot be read.
    reason
        Reason why it cannot be read or loaded.
    """

    name: str
    reference: str
    version: Version | None = None
    predictor: Predictor | None = None
    encoder: RowEncoder | None = None
    reason: str | None = None


def load_active(registry: Registry) -> ActiveVersion | None:
    """The active version of a registry; None before the first promotion.

    Raises
    ------
    AwsUnavailable
        The registry does not answer: then it is unknown what a new version must not be worse than.
    """
    if (reference := registry.active()) is None:
        return None
    name, text = reference.name, str(reference)
    try:
        version = registry.resolve()
    except (IntegrityError, VersionNotFound) as error:
        return ActiveVersion(name, text, reason=error.message)
    try:
        return ActiveVersion(name, text, version, registry.predictor(version), registry.encoder(version))
    except (IntegrityError, UnservableModel) as error:
        return ActiveVersion(name, text, version, reason=error.message)


def is_split_of(lineage: Lineage, split: SplitSection) -> bool:
    """Whether a version was trained with this split."""
    theirs = (lineage.seed, lineage.holdout, lineage.split, lineage.split_column)
    return theirs == (split.seed, split.holdout, split.kind, split.column)


def other_answers(theirs: Contract, ours: Contract) -> str:
    """Why the answers of a model are not those of another contract; an empty text where they are."""
    if theirs.task != ours.task:
        return f"it does {theirs.task}"
    if theirs.target.name != ours.target.name:
        return f"it predicts {theirs.target.name}"
    if set(theirs.target.keys) != set(ours.target.keys):
        return "its classes are others"
    return ""


def rows_for(encoder: RowEncoder, table: Table, rows: NDArray[np.int64]) -> tuple[Matrix | None, str]:
    """Rows of a table as a model of another contract takes them.

    Parameters
    ----------
    encoder
        What encodes rows for that model.

    Returns
    -------
    tuple
        float64 `[n, width]`, and an empty text; or None and why its contract does not fit.
    """
    contract, leads = encoder.contract, table.leads(rows)
    ours = {feature.name: place for place, feature in enumerate(table.contract.features)}
    if problem := other_answers(contract, table.contract):
        return None, problem
    blocks = []
    for feature in contract.features:
        if feature.name not in ours:
            return None, f"the table has no {feature.name}"
        place = ours[feature.name]
        mine = table.contract.features[place]
        if "text" in {feature.kind, mine.kind}:
            cells = table.texts[mine.name][rows].tolist() if mine.kind == "text" else None
            block, problem = _text(encoder, feature, mine, leads[:, place], cells)
        else:
            block, problem = _block(feature, mine, leads[:, place])
        if block is None:
            return None, problem
        blocks.append(block)
    return np.ascontiguousarray(np.column_stack(blocks)), ""


def scores_like(contract: Contract, table: Table, scores: Matrix) -> Matrix:
    """Scores with the classes in a table's order."""
    if contract.task == "regression":
        return scores
    places = {key: place for place, key in enumerate(contract.target.keys)}
    return scores[:, [places[key] for key in table.contract.target.keys]]


def labelled_like(theirs: Contract, ours: Contract) -> Contract:
    """Our contract with the threshold of another, whose classes may have another order."""
    threshold = theirs.target.threshold
    if threshold is not None and theirs.target.keys != ours.target.keys:
        threshold = 1 - threshold
    return ours.with_target(threshold=threshold)


def compare_with(
    champion: ActiveVersion,
    split: SplitSection,
    table: Table,
    holdout: NDArray[np.int64],
    scores: Matrix,
    *,
    metric: str,
    max_regression: float,
) -> Champion:
    """Measure the champion and a challenger on the same rows.

    Parameters
    ----------
    split
        Split of the challenger's table.
    holdout
        Indices of the rows.
    scores
        Scores of the challenger on these rows.
    metric
        Metric that selected the challenger.
    max_regression
        Allowed loss in that metric.
    """
    if champion.version is None or champion.predictor is None or champion.encoder is None:
        return not_compared(champion, champion.reason or "it cannot be loaded", max_regression)
    manifest = champion.version.manifest
    rows, problem = rows_for(champion.encoder, table, holdout)
    if rows is None:
        return not_compared(champion, f"its contract does not fit this table: {problem}", max_regression)
    try:
        theirs = scores_like(manifest.contract, table, champion.predictor.scores(rows))
    except UnservableModel as error:
        return not_compared(champion, error.message, max_regression)
    earlier = labelled_like(manifest.contract, table.contract)
    pair = Pair(table.contract, earlier, table.targets[holdout], theirs, scores, table.clusters(holdout))
    compared = compare_pair(champion, pair, metric=metric, max_regression=max_regression, seed=split.seed)
    if compared.reason is not None:
        return compared
    lineage = manifest.lineage
    return compared.model_copy(update={"unseen": lineage.data_sha256 == table.digest and is_split_of(lineage, split)})


@dataclass(frozen=True, slots=True)
class Pair:
    """Scores of the champion and of a challenger for the same rows.

    Parameters
    ----------
    contract
        Contract of the challenger.
    targets
        Class codes of this contract, or values, `[n]`.
    theirs, ours
        Scores of the champion and of the challenger, with the classes in the order of this contract.
    clusters
        Clusters that chance draws as a whole, `[n]`; None if rows are independent.
    earlier
        Contract that labels the champion's scores: `labelled_like`.
    """

    contract: Contract
    earlier: Contract
    targets: NDArray[Any]
    theirs: Matrix
    ours: Matrix
    clusters: Clusters | None


def compare_pair(champion: ActiveVersion, pair: Pair, *, metric: str, max_regression: float, seed: int) -> Champion:
    """Measure what the champion and a challenger answered to the same rows; see `compare_with`.

    Parameters
    ----------
    seed
        Seed of the resamples.
    """
    theirs = ScoredRows(pair.earlier.target, pair.targets, pair.theirs)
    ours = ScoredRows(pair.contract.target, pair.targets, pair.ours)
    before, after = (
        score_metrics(side, pair.targets, scores)
        for side, scores in ((pair.earlier, pair.theirs), (pair.contract, pair.ours))
    )
    if metric not in before:
        return not_compared(champion, f"the holdout cannot tell {metric}", max_regression)
    worse = regression_from(metric, before[metric], after[metric])
    return Champion(
        version=champion.name,
        reference=champion.reference,
        metrics=before,
        difference=difference(theirs, ours, metric=metric, seed=seed, clusters=pair.clusters),
        regression=worse if math.isfinite(worse) else None,
        max_regression=max_regression,
        changed_labels=int((theirs.labels != ours.labels).sum()) if ours.classes else None,
    )


def not_compared(champion: ActiveVersion, reason: str, max_regression: float) -> Champion:
    """A champion that was not measured, and why."""
    return Champion(version=champion.name, reference=champion.reference, reason=reason, max_regression=max_regression)


def _block(theirs: Feature, ours: Feature, values: Matrix) -> tuple[Matrix | None, str]:
    """Values of our feature as theirs takes them, `[n, width]` or `[n]`, or why it does not.

    Parameters
    ----------
    values
        Numbers that stand for ours, float64 `[n]`.
    """
    if "datetime" not in {theirs.kind, ours.kind}:
        return _column(theirs, ours, values)
    if theirs.required and np.isnan(values).any():
        return None, f"{theirs.name} may not be missing, and is"
    distinct, codes = np.unique(values, return_inverse=True)
    known = [None if math.isnan(code) else _written(theirs, ours, code) for code in distinct.tolist()]
    block, problem = _dates(theirs, ours, known) if theirs.kind == "datetime" else _texts(theirs, known)
    return None if block is None else block[codes], problem


def _text(
    encoder: RowEncoder, theirs: Feature, ours: Feature, values: Matrix, cells: list[Scalar] | None
) -> tuple[Matrix | None, str]:
    """Free text of ours or theirs as theirs takes it, `[n, width]` or `[n]`, or why it does not.

    Parameters
    ----------
    cells
        Our texts; None if ours is a category.
    """
    if not {theirs.kind, ours.kind} <= {"text", "category"}:
        return None, f"{theirs.name} is a {theirs.kind} to it, and a {ours.kind} here"
    if theirs.required and np.isnan(values).any():
        return None, f"{theirs.name} may not be missing, and is"
    if cells is None:
        cells = [None if math.isnan(code) else ours.decode(code) for code in values.tolist()]
    return (encoder.blocks[theirs.name].rows(cells), "") if theirs.kind == "text" else _texts(theirs, cells)


def _dates(theirs: Feature, ours: Feature, values: list[Scalar]) -> tuple[Matrix | None, str]:
    """Values of ours as dates of theirs."""
    if ours.kind == "datetime" and theirs.dates[0].iso != ours.dates[0].iso:
        return None, f"{theirs.name} is {theirs.dates[0].words} to it, and {ours.dates[0].words} here"
    block = date_encoder(theirs).rows(values)
    if any(value is not None and math.isnan(days) for value, days in zip(values, block[:, 0].tolist(), strict=True)):
        return None, f"{theirs.name} is a date to it, and a {ours.kind} here"
    return block, ""


def _texts(theirs: Feature, values: list[Scalar]) -> tuple[Matrix | None, str]:
    """Dates, written as the table has them, as categories of theirs."""
    if theirs.kind != "category":
        return None, f"{theirs.name} is a {theirs.kind} to it, and a date here"
    if (unknown := [text for text in values if text not in theirs.codes]) and not theirs.takes_unknown:
        return None, f"it does not know {theirs.name} {unknown[0]!r}"
    return np.array([theirs.codes.get(text, theirs.unknown_code) for text in values]), ""


def _written(theirs: Feature, ours: Feature, code: float) -> Scalar:
    """A value of ours as a request for theirs has it: a date that is a text to them, as the table writes it."""
    if ours.kind != "datetime" or theirs.kind == "datetime":
        return ours.decode(code)
    return ours.dates[0].write_own(date_encoder(ours).moment(code))


def _column(theirs: Feature, ours: Feature, values: Matrix) -> tuple[Matrix | None, str]:
    """Values of our column as their feature takes them, or why it does not."""
    name = theirs.name
    if theirs.kind != ours.kind and not (theirs.is_numeric and ours.is_numeric):
        return None, f"{name} is a {theirs.kind} to it, and a {ours.kind} here"
    if theirs.required and np.isnan(values).any():
        return None, f"{name} may not be missing, and is"
    if theirs.json_type == "integer" and not (np.isnan(values) | (values == np.round(values))).all():
        return None, f"{name} holds only whole numbers to it"
    if theirs.levels == ours.levels:
        return values, ""
    code_of = {str(level): code for level, code in theirs.codes.items()}
    if ours.other is not None:  # they may know some of our rare values: which one a row has, its code does not tell
        code_of = code_of | {ours.other: float(len(theirs.categories)) if theirs.rare else math.nan}
    present = {ours.levels[int(code)] for code in np.unique(values[~np.isnan(values)])}
    if (unknown := sorted(present - set(code_of))) and not theirs.takes_unknown:
        return None, f"it does not know {name} {unknown[0]!r}"
    codes = np.array([*(code_of.get(level, theirs.unknown_code) for level in ours.levels), math.nan])
    return codes[np.where(np.isnan(values), -1, values).astype(int)], ""
