"""What an adopted model makes of a text that its table does not have: a missing value, another level, or an error."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from skylift.adopted import FrameModel, InOrder
from skylift.contract import Contract
from skylift.errors import UnservableModel
from skylift.feature import Feature, Unknown
from skylift.names import listed
from skylift.predictors import SklearnPredictor
from skylift.scoring import Matrix
from training.data.table import Table
from training.job.boosters import foreign_failures

_ASKED_ROWS = 50


def with_unknown(estimator: Any, table: Table, *, typed: bool) -> tuple[Any, Table, list[str]]:
    """A model and its table, whose contract takes unknown texts as the model does, and a note of those that it refuses.

    Such a text is a missing value where the model answers both the same, else a level of its own; it is refused where
    the model fails on it.

    Parameters
    ----------
    estimator
        Fitted model of encoded rows.
    typed
        Whether its categories are pandas', to which an unknown value is a missing one.
    """
    contract = table.contract
    open_ones = [feature.name for feature in contract.features if feature.takes_unknown and not feature.rare]
    apart = _with_policies(contract, dict.fromkeys(open_ones, "other"))
    asking = _for_contract(estimator, apart)
    rows = table.rows[:: len(table.rows) // _ASKED_ROWS + 1]
    policies: dict[str, Unknown] = {}
    for feature, block in zip(apart.features, apart.blocks, strict=True):
        if feature.name not in open_ones:
            continue
        missing = _scores(asking, contract.task, rows, block, np.nan)
        unknown = missing if typed else _scores(asking, contract.task, rows, block, feature.unknown_code)
        if unknown is None:
            policies[feature.name] = "refuse"
        elif missing is None or not np.allclose(unknown, missing, rtol=1e-9, atol=1e-12):
            policies[feature.name] = "other"
    if not policies:
        return estimator, table, []
    changed = _with_policies(contract, policies)
    refused = [name for name, policy in policies.items() if policy == "refuse"]
    note = f"a text in {listed(refused)} that the table does not have is refused: the model cannot score it"
    return _for_contract(estimator, changed), replace(table, contract=changed), [note] if refused else []


def _with_policies(contract: Contract, policies: Mapping[str, Unknown]) -> Contract:
    """A contract some of whose categories take unknown values otherwise."""
    features = [
        Feature.model_validate(feature.model_dump() | {"unknown": policies.get(feature.name, feature.unknown)})
        for feature in contract.features
    ]
    return Contract(task=contract.task, features=tuple(features), target=contract.target, ignored=contract.ignored)


def _for_contract(estimator: Any, contract: Contract) -> Any:
    """A model of encoded rows, for another contract of the same columns."""
    if isinstance(estimator, InOrder):
        return InOrder(_for_contract(estimator.estimator, contract), estimator.order)
    return estimator.for_contract(contract) if isinstance(estimator, FrameModel) else estimator


def _scores(estimator: Any, task: str, rows: Matrix, block: slice, value: float) -> Matrix | None:
    """Scores of rows that have a value in a block; None where they cannot be scored."""
    asked = rows.copy()
    asked[:, block] = value
    failures: tuple[type[Exception], ...] = (*foreign_failures(), UnservableModel)
    try:
        scores = SklearnPredictor(estimator, task).scores(asked)
    except failures:
        return None
    return scores if np.isfinite(scores).all() else None
