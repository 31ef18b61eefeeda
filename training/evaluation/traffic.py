"""A gate on the newest traffic whose right answers are known: the holdout is of the table, and the world moves on."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from skylift.figures import apart, exact_share, exact_text
from skylift.metrics import Gate
from skylift.monitoring.labelled_rows import LabelledRow
from skylift.monitoring.live import ENOUGH_REQUESTS
from skylift.scoring import Predictor, encode
from training.config.table import SplitSection
from training.data.table import Table
from training.evaluation.champion import ActiveVersion, compare_with
from training.evaluation.gates import is_excused, keeps_bound
from training.metrics.registry import METRICS


def traffic_gate(
    rows: Sequence[LabelledRow],
    champion: ActiveVersion,
    table: Table,
    split: SplitSection,
    predictor: Predictor,
    *,
    metric: str,
    max_regression: float,
) -> Gate | None:
    """Hold a model against the active version on labelled traffic, as on the holdout.

    Parameters
    ----------
    rows
        Labelled rows.
    champion
        Active version.
    table, split
        Table that the model was trained on, and its split.
    predictor
        Predictor of the model.
    metric
        Metric that selected the model.
    max_regression
        Largest loss in that metric; see `gates.max_regression`.

    Returns
    -------
    Gate or None
        None where too few rows are labelled, or the active version cannot answer them.
    """
    codes: dict[object, int] = {name: code for code, name in enumerate(table.contract.target.classes)}
    known = [row for row in rows if not codes or row.label in codes]
    if len(known) < ENOUGH_REQUESTS:
        return None
    targets = np.array([codes[row.label] if codes else row.label for row in known])
    traffic = replace(table, rows=encode(table.contract, [row.values for row in known]), targets=targets, keys=None)
    compared = compare_with(
        champion,
        split,
        traffic,
        np.arange(len(known)),
        predictor.scores(traffic.rows),
        metric=metric,
        max_regression=max_regression,
    )
    if (difference := compared.difference) is None:
        return None
    record = METRICS[metric]
    limit = (exact_text if record.is_absolute else exact_share)(max_regression)
    side = "below" if record.higher_is_better else "above"
    excused = is_excused(compared)
    bound = (
        f"more than {limit} {side} the active {compared.version} ({apart(difference.before, difference.after)}) "
        f"on {len(known):,} labelled rows of traffic"
    )
    return Gate(
        metric=metric,
        value=difference.after,
        passed=keeps_bound(compared) or excused,
        against=difference.before,
        detail=f"{bound}, but within noise" if excused else f"not {bound}",
    )
