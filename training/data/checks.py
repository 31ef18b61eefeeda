"""What is suspicious about an encoded table: rows that repeat, columns that give the target away, classes too rare.

Fast enough to run in every training, and without packages of its own. A column is read as a whole only if a part of
its rows does not clear it.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from skylift.errors import DataError
from skylift.feature import Feature
from skylift.scoring import Matrix
from training.config.table import ValidateSection
from training.data.table import Split, Table
from training.data.target import RARE

_GLANCE = 10_000
_ENOUGH = 20
_ROWS_PER_VALUE = 5
_MAX_VALUES = 100
_CHANCE = -9.0  # a power of ten
_SHOWN = 5
_FAIR = 0.25
"""Share of the rows of a class, where all classes have as many, below which it is rare."""

_MAX_SUMMANDS = 50
_SUM_ROWS = 1_000
_EXACT = 1e-9

_WAY_OUT = "name it in data.drop, or in validate.trusted"

type Severity = Literal["failed", "warning"]
type Targets = NDArray[np.float64] | NDArray[np.int64]


class Finding(BaseModel):
    """A result of a check.

    Parameters
    ----------
    check
        Name of the check.
    status
        `failed` for a table that is unfit for training, `warning` for one that is only worth a look.
    column
        Name of the column; None for the table as a whole.
    message
        Description for people.
    count
        Number of rows or cells; 0 where the finding is about the whole column.
    rows
        Positions of the first of them; a report counts the rows of the file from 1.
    """

    model_config = ConfigDict(frozen=True)

    check: str
    status: Severity
    column: str | None = None
    message: str
    count: int = 0
    rows: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"column {self.column} {self.message}" if self.column else self.message


def examine(table: Table, split: Split, section: ValidateSection) -> list[Finding]:
    """Run the checks of rows and columns that need no package of their own."""
    findings = [*duplicates(table, section), *leakage(table, section.trusted)]
    if table.contract.task == "classification":
        findings += classes(table, section)
    return [*findings, *overlap(table, split, section)]


def missing_cells(frame: pd.DataFrame, bounds: ValidateSection) -> list[Finding]:
    """Columns of a cleaned table that are missing in more rows than they may be.

    An empty one is left out with a note of its own, unless `model.yaml` has the bound.
    """
    shares = {str(name): float(frame[name].isna().mean()) for name in frame.columns}
    return [
        Finding(
            check="nulls",
            status=_status(bounds, "max_missing"),
            column=name,
            message=f"is missing in {share:.1%} of the rows, more than {bounds.max_missing:.0%}",
            count=round(share * len(frame)),
        )
        for name, share in shares.items()
        if share > bounds.max_missing and (share < 1 or "max_missing" in bounds.model_fields_set)
    ]


def refuse_failed(findings: Iterable[Finding]) -> None:
    """Refuse a table that failed a check.

    Raises
    ------
    DataError
        With the first failure, and how many there are.
    """
    if failed := [finding for finding in findings if finding.status == "failed"]:
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        raise DataError(
            f"the table failed validation: {failed[0]}{more}",
            "fix the data, or the sections data, features and validate of model.yaml",
        )


def row_hashes(table: Table) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """A hash per row of its features, and one of its features and target; equal for equal rows."""
    hashes = np.zeros(len(table.rows), dtype=np.uint64)
    for column in table.rows.T:
        hashes = _combined(hashes, column)
    return hashes, _combined(hashes, table.targets.astype(np.float64))


def _combined(hashes: NDArray[np.uint64], column: Matrix) -> NDArray[np.uint64]:
    # Adding zero makes one zero of two; every missing value gets the same bits.
    cells = np.where(np.isnan(column), np.nan, column + 0.0)
    return np.asarray(pd.util.hash_array(cells), dtype=np.uint64) + hashes * np.uint64(1_099_511_628_211)


def duplicates(table: Table, bounds: ValidateSection) -> list[Finding]:
    """Rows that repeat another, and rows that contradict another."""
    features, whole = row_hashes(table)
    repeated = pd.Series(whole).duplicated().to_numpy()
    findings = []
    if (count := int(repeated.sum())) > bounds.max_duplicates * len(whole):
        findings.append(
            Finding(
                check="duplicates",
                status=_status(bounds, "max_duplicates"),
                message=f"{_rows(count)} the same as another, target included",
                count=count,
                rows=_first(repeated),
            )
        )
    contradicting = pd.Series(features).duplicated().to_numpy() & ~repeated
    if table.contract.task == "classification" and (count := int(contradicting.sum())):
        findings.append(
            Finding(
                check="duplicates",
                status="warning",
                message=f"{_rows(count)} the same as another but for {table.contract.target.name}",
                count=count,
                rows=_first(contradicting),
            )
        )
    return findings


def overlap(table: Table, split: Split, bounds: ValidateSection) -> list[Finding]:
    """Rows of the holdout that are training rows as well: the model may have memorised them."""
    whole = row_hashes(table)[1]
    known = np.isin(whole[split.holdout], whole[split.train])
    if not (count := int(known.sum())) > bounds.max_overlap * len(known):
        return []
    return [
        Finding(
            check="overlap",
            status=_status(bounds, "max_overlap"),
            message=f"{count} of {len(known)} test rows ({count / len(known):.1%}) are training rows as well",
            count=count,
            rows=tuple(sorted(int(row) for row in split.holdout[known])[:_SHOWN]),
        )
    ]


def classes(table: Table, bounds: ValidateSection) -> list[Finding]:
    """Classes with too few rows to be learned, and classes much rarer than others."""
    target = table.contract.target
    counts = np.bincount(table.targets.astype(np.int64), minlength=len(target.classes))
    share = bounds.min_class_share
    if "min_class_share" not in bounds.model_fields_set:  # a fortieth of the rows is fair among forty classes
        share = min(share, _FAIR / len(counts))
    few, unlike = [], []
    by = "average_precision, and name costs under decision" if len(counts) == 2 else "balanced_accuracy or f1_macro"
    if len(counts) == 2 and counts[0] < counts[1]:  # both are about the second class
        by = f"average_precision with target.positive: {target.classes[0]}, and name costs under decision"
    for name, count in zip(target.classes, counts.tolist(), strict=True):
        if count < bounds.min_rows_per_class:
            few.append(
                Finding(
                    check="rows per class",
                    status=_status(bounds, "min_rows_per_class"),
                    column=target.name,
                    message=f"is {name} in {count} rows, fewer than {bounds.min_rows_per_class}: "
                    f"add rows, or make rare classes one by {RARE}",
                    count=count,
                )
            )
        elif count < share * len(table.targets):
            unlike.append(
                Finding(
                    check="class balance",
                    status=_status(bounds, "min_class_share"),
                    column=target.name,
                    message=f"is {name} in {count / len(table.targets):.2%} of the rows, "
                    f"less than {share * 100:.2g}%: compare models by {by}",
                    count=count,
                )
            )
    return [*_together(few), *_together(unlike)]


def _together(findings: list[Finding]) -> list[Finding]:
    """Findings of classes; of many, the one of the rarest, and how many there are like it."""
    if len(findings) <= _SHOWN:
        return findings
    rarest = min(findings, key=lambda finding: finding.count)
    message = f"{rarest.message} ({len(findings) - 1} more classes)"
    return [rarest.model_copy(update={"message": message})]


def leakage(table: Table, trusted: tuple[str, ...] = ()) -> list[Finding]:
    """Columns that reveal the target: a model would learn nothing else, and nothing useful.

    Parameters
    ----------
    trusted
        Names of columns that are not suspected.
    """
    findings = []
    for feature, column in zip(table.contract.features, table.leads().T, strict=True):
        if feature.name in trusted:
            continue
        knows = _many_know if len(feature.levels) > _MAX_VALUES else _knows
        if accused := knows(feature, column, table):
            status, message = accused
            findings.append(Finding(check="leakage", status=status, column=feature.name, message=message))
    if table.contract.task == "regression":
        findings += _sums(table, trusted)
    return findings


def _sums(table: Table, trusted: tuple[str, ...]) -> list[Finding]:
    """Numbers that add up to the target, weighted or not: parts of it are seldom known before it is."""
    places = [
        place
        for place, feature in enumerate(table.contract.features)
        if feature.is_numeric and feature.required and feature.name not in trusted
    ]
    if not 2 <= len(places) <= _MAX_SUMMANDS or len(table.rows) < max(_ENOUGH, 2 * len(places)):
        return []
    columns, targets = table.leads()[:, places], table.targets.astype(np.float64)
    glance = slice(None, None, max(1, len(targets) // _SUM_ROWS))
    varying = np.ptp(columns, axis=0) > 0
    places, columns = [place for place, varies in zip(places, varying, strict=True) if varies], columns[:, varying]
    scale = np.abs(columns).max(axis=0)
    known = np.column_stack([columns[glance] / scale, np.ones(len(targets[glance]))])
    weights = np.linalg.lstsq(known, targets[glance], rcond=None)[0]
    exact = _EXACT * float(np.ptp(targets))
    if np.abs(known @ weights - targets[glance]).max() > exact:
        return []
    if np.abs(columns / scale @ weights[:-1] + weights[-1] - targets).max() > exact:
        return []
    parts = [
        table.contract.features[place].name
        for place, weight in zip(places, weights[:-1], strict=True)
        if abs(weight) > exact
    ]
    target, names = table.contract.target.name, ", ".join(parts[:_SHOWN])
    plain = abs(weights[-1]) <= exact and np.abs(weights[:-1] / scale - np.round(weights[:-1] / scale)).max() <= _EXACT
    what = "the sum" if plain else "a weighted sum"
    if len(parts) < 2:  # one column that orders the rows as the target does is found by itself
        return []
    return [
        Finding(
            check="leakage",
            status="warning",
            column=names,
            message=f"add up to {target}: it is {what} of them in every row; are they known before {target} is?",
        )
    ]


def _knows(feature: Feature, column: Matrix, table: Table) -> tuple[Severity, str] | None:
    """How a column reveals the target, and whether that cannot be chance."""
    target, targets = table.contract.target.name, table.targets
    ordered = not feature.levels
    glance = slice(None, None, max(1, len(column) // _GLANCE))
    if _determines(column[glance], targets[glance]) and (values := _determines(column, targets)):
        if values == len(np.unique(targets)):
            return "failed", f"is {target} under other names; {_WAY_OUT}"
        if not ordered:
            return "failed", f"determines {target}: each of its {values} values goes with one; {_WAY_OUT}"
        return "warning", f"determines {target}: is it known before {target} is?"
    test = _same_order if table.contract.task == "regression" else _separates
    if not ordered or not test(column[glance], targets[glance]) or not test(column, targets):
        return None
    if test is _separates:
        return "warning", f"separates the classes of {target} without exception: is it known before {target} is?"
    same = "is" if np.array_equal(column, targets) else "orders the rows exactly as"
    return "failed", f"{same} {target}; {_WAY_OUT}"


def _many_know(feature: Feature, column: Matrix, table: Table) -> tuple[Severity, str] | None:
    """How a category of many values reveals the target.

    That rows of a value share one target is not by chance if there are enough of them; those that repeat another row
    tell nothing. Rare values share a code, which says nothing of each.
    """
    named = column != len(feature.categories) if feature.rare else np.ones(len(column), dtype=np.bool_)
    places = np.flatnonzero(named)
    if len(places) < max(_ENOUGH, len(column) / 2) or not _goes_with_one(column, table.targets, places[:_GLANCE]):
        return None
    places = places[~pd.Series(row_hashes(table)[1][places]).duplicated().to_numpy()]
    values = len(np.unique(column[places]))
    most_frequent = np.unique(table.targets[places], return_counts=True)[1].max() / len(places)
    if (len(places) - values) * np.log10(most_frequent) > _CHANCE or not _goes_with_one(column, table.targets, places):
        return None
    target = table.contract.target.name
    return "failed", (
        f"determines {target}: each of its {values:,} values goes with one; {_WAY_OUT}, "
        f"or in split.group if rows of one {feature.name} belong together"
    )


def _goes_with_one(column: Matrix, targets: Targets, places: NDArray[np.intp]) -> bool:
    """Whether each value of a column, a missing one included, has one value of the target in some rows."""
    distinct, codes = np.unique(column[places], return_inverse=True)
    lowest, highest = np.full(len(distinct), np.inf), np.full(len(distinct), -np.inf)
    np.minimum.at(lowest, codes, targets[places])
    np.maximum.at(highest, codes, targets[places])
    return bool((lowest == highest).all())


def _determines(column: Matrix, targets: Targets) -> int:
    """Number of values of a column, a missing one included, if each goes with one value of the target; else 0."""
    distinct, codes = np.unique(column, return_inverse=True)
    if not 2 <= len(distinct) <= min(_MAX_VALUES, len(column) // _ROWS_PER_VALUE) or len(column) < _ENOUGH:
        return 0
    lowest, highest = np.full(len(distinct), np.inf), np.full(len(distinct), -np.inf)
    np.minimum.at(lowest, codes, targets)
    np.maximum.at(highest, codes, targets)
    return len(distinct) if bool((lowest == highest).all()) and len(np.unique(lowest)) > 1 else 0


def _same_order(column: Matrix, targets: Targets) -> bool:
    known = ~np.isnan(column)
    if known.sum() < max(_ENOUGH, len(column) / 2):
        return False
    order = np.argsort(column[known], kind="stable")
    values, steps = column[known][order], np.diff(targets[known][order])
    rising = bool((steps >= 0).all() or (steps <= 0).all())
    equal = np.diff(values) == 0
    return rising and bool((steps[equal] == 0).all()) and values[0] != values[-1]


def _separates(column: Matrix, targets: Targets) -> bool:
    known = ~np.isnan(column)
    if known.sum() < max(_ENOUGH, len(column) / 2):
        return False
    values, codes = column[known], targets[known]
    ranges = sorted((values[codes == code].min(), values[codes == code].max()) for code in np.unique(codes))
    return len(ranges) > 1 and all(before[1] < after[0] for before, after in pairwise(ranges))


def _status(bounds: ValidateSection, name: str) -> Severity:
    """A bound written in model.yaml fails the table; a default only warns."""
    return "failed" if name in bounds.model_fields_set else "warning"


def _rows(count: int) -> str:
    return "1 row is" if count == 1 else f"{count} rows are"


def _first(chosen: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(row) for row in np.flatnonzero(chosen)[:_SHOWN])
