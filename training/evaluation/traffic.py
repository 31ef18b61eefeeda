"""A gate on the newest traffic whose right answers are known: the holdout is of the table, and the world moves on."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from skylift.encoding import RowEncoder
from skylift.errors import UnservableModel
from skylift.metrics import Gate
from skylift.monitoring.labelled_rows import LabelledRow
from skylift.monitoring.live import ENOUGH_REQUESTS
from skylift.scoring import Matrix, Predictor
from skylift.values import clean
from training.config.table import SplitSection
from training.data.table import Table
from training.evaluation.champion import (
    ActiveVersion,
    Pair,
    compare_pair,
    labelled_like,
    other_answers,
    scores_like,
)
from training.evaluation.gates import champion_gate


def traffic_gate(
    rows: Sequence[LabelledRow],
    champion: ActiveVersion,
    table: Table,
    split: SplitSection,
    predictor: Predictor,
    *,
    metric: str,
    max_regression: float,
) -> Gate | str:
    """Hold a model against the active version on labelled traffic, by the rule of the holdout.

    Each of the two reads the rows by its own contract. Rows of one request are drawn together by chance.

    Parameters
    ----------
    rows
        Labelled rows that both contracts take.
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
    Gate or str
        Reason why not, where too few requests are labelled, or the active version cannot answer them.
    """
    requests = np.unique([row.request for row in rows], return_inverse=True)[1]
    if (count := len(set(requests.tolist()))) < ENOUGH_REQUESTS:
        return f"labelled traffic is not a gate: {count} requests of {ENOUGH_REQUESTS} that it takes"
    if champion.predictor is None or champion.encoder is None:
        return f"labelled traffic is not a gate: {champion.reason}"
    contract, theirs = table.contract, champion.encoder.contract
    if reason := other_answers(theirs, contract):
        return f"labelled traffic is not a gate for the active {champion.name}: {reason}"
    codes: dict[object, int] = {name: code for code, name in enumerate(contract.target.classes)}
    try:
        before = scores_like(theirs, table, champion.predictor.scores(_encoded(champion.encoder, rows)))
    except UnservableModel as error:
        return f"labelled traffic is not a gate for the active {champion.name}: {error.message}"
    pair = Pair(
        contract,
        labelled_like(theirs, contract),
        np.array([codes[row.label] if codes else row.label for row in rows]),
        before,
        predictor.scores(_encoded(table.encoder, rows)),
        requests.astype(np.int64) if count < len(rows) else None,
    )
    compared = compare_pair(champion, pair, metric=metric, max_regression=max_regression, seed=split.seed)
    gate = champion_gate(compared, traffic=len(rows))
    return gate or f"labelled traffic is not a gate: its rows cannot tell {metric}"


def _encoded(encoder: RowEncoder, rows: Sequence[LabelledRow]) -> Matrix:
    """Rows as the service reads them by a contract."""
    instances: list[dict[str, Any]] = [
        {feature.name: clean(feature, row.values.get(feature.name)) for feature in encoder.contract.features}
        for row in rows
    ]
    return encoder.encode(instances)
