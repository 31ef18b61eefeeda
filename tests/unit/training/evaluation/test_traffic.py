"""On labelled traffic a new model must not be worse than the active version, beyond what chance explains."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from skylift.contract import Contract
from skylift.encoding import RowEncoder
from skylift.errors import UnservableModel
from skylift.metrics import Gate
from skylift.monitoring.labelled_rows import LabelledRow
from skylift.monitoring.live import ENOUGH_REQUESTS
from skylift.scoring import predicted_classes
from tests.support.manifests import manifest
from tests.support.models import iris_config, trained_iris
from training.evaluation.champion import ActiveVersion
from training.evaluation.traffic import traffic_gate
from training.job import Trained


class Shuffled:
    """A predictor that gives rows the scores of another class: every so many, or the first ones."""

    def __init__(self, predictor: Any, every: int = 1, first: int | None = None) -> None:
        self._predictor, self._wrong = predictor, slice(None, first, every)

    def scores(self, rows: Any) -> Any:
        scores = np.array(self._predictor.scores(rows))
        scores[self._wrong] = np.roll(scores[self._wrong], 1, axis=1)
        return scores


class Known:
    """The active version, by its contract."""

    def __init__(self, contract: Contract) -> None:
        self.manifest = manifest(1, contract=contract)


def traffic(trained: Trained, count: int = 150, *, together: int = 1) -> list[LabelledRow]:
    """Rows of the table, of so many a request."""
    classes, table = trained.table.contract.target.classes, trained.table
    return [
        LabelledRow(str(index // together), float(index), table.instance(index), classes[int(table.targets[index])])
        for index in range(min(count, len(table.rows)))
    ]


def judged(
    rows: list[LabelledRow], *, ours: Any = None, theirs: Any = None, contract: Contract | None = None
) -> Gate | str:
    trained = trained_iris()
    version: Any = Known(contract or trained.table.contract)
    return traffic_gate(
        rows,
        ActiveVersion(
            "v1",
            "v1@sha256:" + "0" * 64,
            version,
            theirs or trained.compiled.predictor,
            RowEncoder(contract or trained.table.contract),
        ),
        trained.table,
        iris_config().split,
        ours or trained.compiled.predictor,
        metric="accuracy",
        max_regression=0.05,
    )


def gate_of(rows: list[LabelledRow], **options: Any) -> Gate:
    gate = judged(rows, **options)
    assert isinstance(gate, Gate)
    return gate


@pytest.fixture
def rows() -> list[LabelledRow]:
    return traffic(trained_iris())


def test_one_that_is_as_good_passes(rows: list[LabelledRow]) -> None:
    gate = gate_of(rows)

    assert gate.passed
    assert "150 labelled rows of traffic" in str(gate)


def test_one_that_is_worse_does_not(rows: list[LabelledRow]) -> None:
    gate = gate_of(rows, ours=Shuffled(trained_iris().compiled.predictor, 2))

    assert not gate.passed
    assert gate.rows == "labelled traffic"
    assert gate.value is not None
    assert gate.against is not None
    assert gate.value < gate.against


def test_the_bound_is_what_the_active_version_has_less_what_is_allowed(rows: list[LabelledRow]) -> None:
    right = accuracy(rows)

    assert gate_of(rows).against == pytest.approx(right - 0.05)


def test_one_that_is_better_passes(rows: list[LabelledRow]) -> None:
    assert gate_of(rows, theirs=Shuffled(trained_iris().compiled.predictor, 2)).passed


def test_a_difference_that_chance_explains_is_excused() -> None:
    rows = traffic(trained_iris(), 31)

    gate = gate_of(rows, ours=Shuffled(trained_iris().compiled.predictor, 11))

    assert gate.passed
    assert "within noise" in str(gate)


def test_many_rows_of_one_request_are_one_chance(rows: list[LabelledRow]) -> None:
    """One caller's batch that goes wrong is sure if its rows were each a request, and chance as one of 31."""
    apart = [*rows, *traffic(trained_iris(), 30)]
    batch = [replace(row, request="batch") for row in rows[:30]] + [
        replace(row, request=f"alone {place}") for place, row in enumerate(apart[30:])
    ]
    wrong = Shuffled(trained_iris().compiled.predictor, first=30)

    assert not gate_of(apart, ours=wrong).passed
    assert "within noise" in str(gate_of(batch, ours=wrong))


def test_few_requests_say_nothing_however_many_rows_they_have(rows: list[LabelledRow]) -> None:
    few = ENOUGH_REQUESTS - 1

    assert judged(rows[:few]) == "labelled traffic is not a gate: 29 requests of 30 that it takes"
    assert judged(traffic(trained_iris(), 145, together=5)) == (
        "labelled traffic is not a gate: 29 requests of 30 that it takes"
    )


def test_each_reads_the_rows_by_its_own_contract(rows: list[LabelledRow]) -> None:
    """The active version has its features in another order, and one that the table has not any more."""
    trained = trained_iris()
    ours = trained.table.contract
    gone = ours.features[0].model_copy(update={"name": "gone", "column": None})
    theirs = ours.model_copy(update={"features": (gone, *ours.features[::-1])})

    class Reversed:
        def scores(self, rows: Any) -> Any:
            assert (rows[:, 0] == 7).all()
            return trained.compiled.predictor.scores(np.ascontiguousarray(rows[:, :0:-1]))

    sent = [replace(row, values={**row.values, "gone": 7.0}) for row in rows]

    gate = gate_of(sent, theirs=Reversed(), contract=theirs)

    assert gate.value == accuracy(rows)
    assert gate.passed


def test_one_that_answers_otherwise_is_not_compared(rows: list[LabelledRow]) -> None:
    ours = trained_iris().table.contract
    other = ours.model_copy(update={"target": ours.target.model_copy(update={"name": "other"})})

    assert judged(rows, contract=other) == "labelled traffic is not a gate for the active v1: it predicts other"


def test_one_that_fails_with_the_rows_is_not_compared(rows: list[LabelledRow]) -> None:
    class Failing:
        def scores(self, rows: Any) -> Any:
            raise UnservableModel("v1 cannot score", "publish it again")

    assert judged(rows, theirs=Failing()) == "labelled traffic is not a gate for the active v1: v1 cannot score"


def test_an_active_version_that_cannot_be_loaded_forbids_nothing(rows: list[LabelledRow]) -> None:
    trained = trained_iris()
    unread = ActiveVersion("v1", "v1@sha256:" + "0" * 64, reason="it is gone")

    gate = traffic_gate(
        rows,
        unread,
        trained.table,
        iris_config().split,
        trained.compiled.predictor,
        metric="accuracy",
        max_regression=0.05,
    )

    assert gate == "labelled traffic is not a gate: it is gone"


def accuracy(rows: list[LabelledRow]) -> float:
    trained = trained_iris()
    scores = trained.compiled.predictor.scores(trained.table.rows[: len(rows)])
    return float(
        (predicted_classes(trained.table.contract.target, scores) == trained.table.targets[: len(rows)]).mean()
    )
