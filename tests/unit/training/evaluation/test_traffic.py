"""On labelled traffic a new model must not be worse than the active version, beyond what chance explains."""

from typing import Any

import numpy as np
import pytest

from skylift.metrics import Gate
from skylift.monitoring.labelled_rows import LabelledRow
from skylift.monitoring.live import ENOUGH_REQUESTS
from tests.support.models import iris_config, trained_iris
from training.evaluation.champion import ActiveVersion
from training.evaluation.traffic import traffic_gate
from training.job import Trained

TRAINED = trained_iris


class Shuffled:
    """A predictor that gives each row the scores of another class, for some of the rows."""

    def __init__(self, predictor: Any, every: int) -> None:
        self._predictor, self._every = predictor, every

    def scores(self, rows: Any) -> Any:
        scores = np.array(self._predictor.scores(rows))
        scores[:: self._every] = np.roll(scores[:: self._every], 1, axis=1)
        return scores


def traffic(trained: Trained, count: int = 150) -> list[LabelledRow]:
    classes, table = trained.table.contract.target.classes, trained.table
    return [
        LabelledRow(float(index), table.instance(index), classes[int(table.targets[index])])
        for index in range(min(count, len(table.rows)))
    ]


def judged(rows: list[LabelledRow], *, ours: Any = None, theirs: Any = None) -> Gate | None:
    trained = trained_iris()
    from tests.support.manifests import manifest

    class Known:
        def __init__(self) -> None:
            self.manifest = manifest(1, contract=trained.table.contract)

    champion = ActiveVersion("v1", "v1@sha256:" + "0" * 64, Known(), theirs or trained.compiled.predictor)  # type: ignore[arg-type]
    return traffic_gate(
        rows,
        champion,
        trained.table,
        iris_config().split,
        ours or trained.compiled.predictor,
        metric="accuracy",
        max_regression=0.05,
    )


@pytest.fixture
def rows() -> list[LabelledRow]:
    return traffic(trained_iris())


def test_one_that_is_as_good_passes(rows: list[LabelledRow]) -> None:
    gate = judged(rows)

    assert gate is not None
    assert gate.passed
    assert "150 labelled rows of traffic" in str(gate)


def test_one_that_is_worse_does_not(rows: list[LabelledRow]) -> None:
    gate = judged(rows, ours=Shuffled(trained_iris().compiled.predictor, 2))

    assert gate is not None
    assert not gate.passed
    assert gate.against is not None
    assert gate.value is not None
    assert gate.value < gate.against - 0.05


def test_one_that_is_better_passes(rows: list[LabelledRow]) -> None:
    gate = judged(rows, theirs=Shuffled(trained_iris().compiled.predictor, 2))

    assert gate is not None
    assert gate.passed


def test_a_difference_that_chance_explains_is_excused() -> None:
    rows = traffic(trained_iris(), 31)

    gate = judged(rows, ours=Shuffled(trained_iris().compiled.predictor, 11))

    assert gate is not None
    assert gate.passed
    assert "within noise" in str(gate)


def test_few_rows_say_nothing(rows: list[LabelledRow]) -> None:
    assert judged(rows[: ENOUGH_REQUESTS - 1]) is None


def test_an_active_version_that_cannot_answer_forbids_nothing(rows: list[LabelledRow]) -> None:
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

    assert gate is None
