"""Makes the background rows of a version: the typical rows of groups of training rows, none of them a person's row."""

import math
import warnings
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from skylift.background import Background, background_size
from skylift.contract import Contract
from skylift.encoding import date_encoder
from skylift.feature import Feature
from skylift.letters import Letters
from skylift.scoring import Matrix
from training.data.table import Table

FEWEST = 5
"""A row that so many have is nobody's in particular; and so many are a group at least."""

_CELLS = 2**22
_MOST_ROWS = 10_000
_ROUNDS = 25
_LEVELS = 10
_OUTLYING = 0.01
_MINUTES_PER_DAY = 1440


def background_of(table: Table, train: NDArray[np.int64], *, seed: int) -> Background | None:
    """The background rows of a table, as many as `background_size` says where the table is large enough.

    Training rows are grouped by k-means, where each feature counts the same. A group is stood for by its typical row:
    means of numbers, dates and free text, and the most frequent category; of a text that a model reads itself, the
    contract's example. Where fewer than `FEWEST` training rows are
    equal to it, one value of it is changed until none is.

    Parameters
    ----------
    train
        Places of the training rows.
    seed
        Random seed.

    Returns
    -------
    None where every row like that would be a person's.
    """
    contract, every = table.contract, table.rows[train]
    most = min(_MOST_ROWS, _CELLS // contract.width)
    rows = every if len(every) <= most else np.random.default_rng(seed).choice(every, most, replace=False)
    groups = _groups(_points(contract, rows), background_size(len(contract.features)), seed)
    found, sizes = [], []
    for number in range(groups.max() + 1):
        members = rows[groups == number]
        typical = _typical(contract, members)
        kept = next((row for row in _others(contract, typical, members) if not _is_a_persons(row, every)), None)
        if kept is not None:
            found.append(kept)
            sizes.append(len(members))
    return Background(np.vstack(found), np.array(sizes) / sum(sizes)) if found else None


def _points(contract: Contract, rows: Matrix) -> Matrix:
    """Rows as points where each feature spreads as far."""
    return np.hstack(
        [
            _normalized(part)
            for feature, block in zip(contract.features, contract.blocks, strict=True)
            for part in _parts(feature, rows[:, block])
        ]
    )


def _parts(feature: Feature, columns: Matrix) -> list[Matrix]:
    """What rows are compared by: numbers without outliers, indicators of frequent categories, the words of texts."""
    lead = columns[:, :1]
    known = lead[~np.isnan(lead)]
    if feature.kind == "category":
        codes, counts = np.unique(known, return_counts=True)
        return [(lead == codes[np.argsort(-counts, kind="stable")[:_LEVELS]]).astype(np.float64)]
    least, most = _ends(known)
    clipped = np.clip(lead, least, most)
    return [clipped, columns[:, 1:]] if feature.directions is not None else [clipped]


def _normalized(columns: Matrix) -> Matrix:
    """Columns with mean 0, and together with variance 1; a missing value is a mean one."""
    known = ~np.isnan(columns)
    means = np.where(known, columns, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, columns - means, 0.0)
    spread = math.sqrt((centred**2).mean(axis=0).sum())
    scaled: Matrix = centred / (spread or 1.0)
    return scaled


def _ends(values: Matrix) -> tuple[float, float]:
    """The range that all but the outliers are in."""
    if not len(values):
        return 0.0, 0.0
    return float(np.quantile(values, _OUTLYING)), float(np.quantile(values, 1 - _OUTLYING))


def _groups(points: Matrix, most: int, seed: int) -> NDArray[np.intp]:
    """Numbers of the groups of points, from 0, `[n]`; too small ones are dissolved, the smallest first."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    count = max(min(most, len(points) // FEWEST), 1)
    with warnings.catch_warnings(), threadpool_limits(1):  # whose sums do not depend on the machine
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer points are different
        groups = KMeans(count, n_init=1, max_iter=_ROUNDS, random_state=seed).fit(points).labels_
    while True:
        _, groups, sizes = np.unique(groups, return_inverse=True, return_counts=True)
        smallest = int(sizes.argmin())
        if sizes[smallest] >= FEWEST or len(sizes) == 1:
            return groups
        left = np.flatnonzero(groups == smallest)
        centres = np.vstack([points[groups == number].mean(axis=0) for number in range(len(sizes))])
        distances = ((points[left, None] - centres) ** 2).sum(axis=2)
        distances[:, smallest] = np.inf
        groups[left] = distances.argmin(axis=1)


def _typical(contract: Contract, members: Matrix) -> Matrix:
    """The typical row of a group, `[width]`."""
    row = np.full(contract.width, np.nan)
    for feature, block in zip(contract.features, contract.blocks, strict=True):
        leads = members[:, block.start]
        known = ~np.isnan(leads)
        if 2 * known.sum() < len(members):
            continue
        if feature.letters is not None:
            row[block] = Letters(feature.letters).row(feature.example)
        elif feature.kind == "text":
            mean = members[known, block].mean(axis=0)
            row[block] = [round(mean[0]), *map(_short, mean[1:].tolist())]
        else:
            row[block] = _block(feature, _lead(feature, leads[known]))
    return row


def _lead(feature: Feature, values: Matrix) -> float:
    """The typical one of the numbers of a feature: the most frequent of names, the mean of what is measured."""
    if feature.levels:
        codes, counts = np.unique(values, return_counts=True)
        return float(codes[counts.argmax()])
    return _as_kind(feature, float(values.mean()))


def _as_kind(feature: Feature, number: float) -> float:
    """A number near to one that a feature can have."""
    if feature.kind == "integer":
        return float(round(number))
    if feature.kind == "datetime":
        steps = _MINUTES_PER_DAY if feature.dates[0].has_clock else 1
        return round(number * steps) / steps
    return _short(number)


def _short(number: float) -> float:
    """A number of six digits: the last ones of a mean depend on the machine."""
    return float(f"{number:.6g}")


def _block(feature: Feature, lead: float) -> Matrix:
    number = np.array([lead])
    return date_encoder(feature).of_days(number)[0] if feature.kind == "datetime" else number


def _others(contract: Contract, typical: Matrix, members: Matrix) -> Iterator[Matrix]:
    """A typical row, and rows that differ from it by one value: those between two of the group's, or frequent ones."""
    yield typical
    changes: list[tuple[int, int, float]] = []
    for place, (feature, block) in enumerate(zip(contract.features, contract.blocks, strict=True)):
        if feature.kind == "text":
            continue
        column = members[:, block.start]
        values, counts = np.unique(column[~np.isnan(column)], return_counts=True)
        changes += [(int(count), place, float(value)) for value, count in zip(values, counts, strict=True)]
        if not feature.levels:
            between = ((values[1:] + values[:-1]) / 2).tolist()
            changes += [(len(members), place, _as_kind(feature, value)) for value in between]
    for _, place, value in sorted(changes, key=lambda change: -change[0]):
        row = typical.copy()
        row[contract.blocks[place]] = _block(contract.features[place], value)
        yield row


def _is_a_persons(row: Matrix, every: Matrix) -> bool:
    """Whether some rows, but fewer than `FEWEST`, are equal to a row."""
    left = np.arange(len(every))
    for column, value in enumerate(row.tolist()):
        values = every[left, column]
        left = left[np.isnan(values) if math.isnan(value) else values == value]
        if not len(left):
            return False
    return len(left) < FEWEST
