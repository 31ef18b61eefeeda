"""A default model is measured beside its peers, judged by bounds, and told as a page with a picture."""

from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from benchmarks.model_outcomes import Outcome, Outcomes, Rival, judge
from benchmarks.model_page import draw, percent_better, render
from benchmarks.peer_models import PLAIN, SKRUB, in_order
from skylift.metrics import Interval
from training.metrics.intervals import Difference


def rival(before: float, after: float, *, metric: str = "log_loss", noise: bool = False) -> Rival:
    gain = after - before
    low, high = sorted((gain * 0.5, gain * 1.5))
    interval = Interval(low=low, high=high, level=0.95)
    found = Difference(
        metric=metric, before=before, after=after, interval=interval, test="paired bootstrap", within_noise=noise
    )
    return Rival(difference=found, familiar=0.81234, seconds=1.25, row_microseconds=17_000)


CHURN = Outcome(
    table="churn",
    about="customers who leave",
    date=datetime(2026, 5, 1, tzinfo=UTC),
    cores=2,
    load_average_before=0.1,
    rows=7_043,
    features=19,
    metric="log_loss",
    score=0.4,
    familiar_metric="roc_auc",
    familiar=0.84567,
    seconds=21.4,
    cpu_seconds=30.1,
    selected="boosting",
    compiled="skylift",
    row_microseconds=124.6,
    rivals={PLAIN: rival(0.5, 0.4), SKRUB: rival(0.41, 0.4, noise=True)},
)
PRICES = CHURN.model_copy(update={"table": "prices"})


def reached(*tables: Outcome) -> list[bool]:
    return [bound.reached for bound in judge(tables)]


def lines(*tables: Outcome) -> list[list[str]]:
    """The cells of the lines of the page that begin with the table's name."""
    rows = [line.strip("|").split("|") for line in render(Outcomes(tables=tables)).splitlines() if line[:1] == "|"]
    return [[cell.strip() for cell in row] for row in rows if row[0].strip().startswith("churn")]


@pytest.mark.parametrize(
    ("metric", "before", "after", "noise", "verdict"),
    [
        ("log_loss", 0.5, 0.4, False, "better"),
        ("log_loss", 0.4, 0.5, False, "worse"),
        ("rmse", 9.0, 10.0, True, "noise"),
        ("average_precision", 0.4, 0.5, False, "better"),
        ("average_precision", 0.5, 0.4, False, "worse"),
    ],
)
def test_better_is_what_the_metric_says_it_is(
    metric: str, before: float, after: float, noise: bool, verdict: str
) -> None:
    assert rival(before, after, metric=metric, noise=noise).verdict == verdict


def test_all_bounds_are_reached_by_good_tables() -> None:
    assert reached(CHURN, PRICES) == [True] * 4


@pytest.mark.parametrize(
    ("place", "changed"),
    [
        (0, {"rivals": {PLAIN: rival(0.4, 0.5)}}),
        (2, {"compiled": None}),
        (3, {"seconds": 300.1}),
    ],
)
def test_one_bad_table_of_two_misses_its_bound(place: int, changed: dict[str, object]) -> None:
    missed = [bound != place for bound in range(4)]

    assert reached(CHURN, PRICES.model_copy(update=changed)) == missed


def test_what_is_within_noise_is_not_better() -> None:
    same = CHURN.model_copy(update={"rivals": {PLAIN: rival(0.5, 0.4, noise=True)}})

    assert reached(same) == [True, False, True, True]
    assert reached(same, CHURN) == [True] * 4


def test_two_of_twelve_need_not_be_compiled() -> None:
    compiled = [CHURN.model_copy(update={"table": f"table {number}"}) for number in range(12)]
    others = [one.model_copy(update={"compiled": None}) for one in compiled]

    assert reached(*compiled[:10], *others[10:]) == [True] * 4
    assert reached(*compiled[:9], *others[9:]) == [True, True, False, True]


def test_each_table_is_told_beside_its_peers() -> None:
    scores, familiar, fits, rows = lines(CHURN)

    assert scores == [
        "churn: customers who leave", "7,043 x 19", "log loss", "0.4000", "0.5000 (+ [-0.15, -0.05])",
        "0.4100 (= [-0.015, -0.005])", "failed",
    ]  # fmt: skip
    assert familiar == ["churn", "ROC-AUC", "0.8457", "0.8123", "0.8123", "-"]
    assert fits == ["churn", "boosting", "skylift", "21", "30", "1.2", "1.2", "-"]
    assert rows == ["churn", "125", "17,000", "17,000", "-"]


def test_what_is_not_compiled_says_so() -> None:
    assert lines(CHURN.model_copy(update={"compiled": None}))[2][2] == "no"


def test_a_missed_bound_is_told() -> None:
    slow = CHURN.model_copy(update={"seconds": 400.0})

    assert "longer on churn" in render(Outcomes(tables=(slow,)))
    assert "**no**" in render(Outcomes(tables=(slow,)))
    assert "**no**" not in render(Outcomes(tables=(CHURN,)))


def test_a_table_measured_again_takes_its_place(tmp_path: Path) -> None:
    file = tmp_path / "build" / "found.json"
    order = ["churn", "prices"]
    assert Outcomes.read(file).tables == ()

    Outcomes().with_(PRICES, order=order).with_(CHURN, order=order).write(file)
    again = Outcomes.read(file).with_(PRICES.model_copy(update={"seconds": 7.0}), order=order)

    assert [(one.table, one.seconds) for one in again.tables] == [("churn", 21.4), ("prices", 7.0)]


def test_more_is_better_in_the_picture_whatever_the_metric() -> None:
    assert percent_better(rival(0.5, 0.4)) == pytest.approx((10, 20, 30))
    assert percent_better(rival(0.5, 0.4, metric="average_precision")) == pytest.approx((-30, -20, -10))


def test_the_picture_is_the_same_again(tmp_path: Path) -> None:
    first, second = tmp_path / "first.svg", tmp_path / "second.svg"
    draw(Outcomes(tables=(CHURN, PRICES)), first)
    draw(Outcomes(tables=(CHURN, PRICES)), second)

    assert first.read_bytes() == second.read_bytes()
    assert ET.parse(first).getroot().tag.endswith("svg")


def test_scores_of_a_peer_are_put_in_the_order_of_the_contract() -> None:
    scores = np.array([[0.1, 0.7, 0.2]])

    assert in_order(scores, ["a", "b", "c"], ["c", "a", "b"]).tolist() == [[0.2, 0.1, 0.7]]
    assert in_order(scores[0], [], []).tolist() == [0.1, 0.7, 0.2]
