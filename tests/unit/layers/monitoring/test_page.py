"""A report as a page: what it says, that nothing in it can become markup, and that it stays small."""

import re
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from skylift.contract import Contract
from skylift.monitoring.baseline import Bins
from skylift.monitoring.by_labels import LabelUse
from skylift.monitoring.expected import BLIND
from skylift.monitoring.live import Live, LiveSlice, Measure
from skylift.monitoring.page import MAX_PICTURES, render
from skylift.monitoring.report import Report, report_on
from skylift.monitoring.window import ANY
from tests.support.baselines import baseline
from tests.support.drift_reports import IRIS, START, counted, report, window
from tests.support.manifests import manifest
from tests.support.pages import text_of

DRIFTED = report({"v7": counted(1000, longer_petals=1.5)})
LIVE = Live(
    value=0.61,
    low=0.55,
    high=0.67,
    version="v7",
    metric="accuracy",
    labels=300,
    predictions=1000,
    coverage=0.3,
    delay_seconds=7200,
    metrics={"accuracy": Measure(value=0.61, low=0.55, high=0.67), "f1_macro": Measure(value=0.6)},
    slices=(LiveSlice(rows="petal_length above 6.9", labels=40, value=0.4, low=0.3, high=0.5),),
    missed=("accuracy 0.6100 (0.5500 to 0.6700), not >= 0.9",),
)


def page(of: Report = DRIFTED, history: tuple[Report, ...] = ()) -> str:
    return render(of, IRIS.baseline, IRIS.contract, history).decode()


def said(*args: Any) -> str:
    return text_of(page(*args))


def test_it_says_which_model_is_in_which_state_and_since_when() -> None:
    text = said()

    assert "iris v7: drift" in text
    assert "The traffic differs from training, beyond chance and by enough to matter." in text
    assert "It has been so since 2026-03-08 10:00 UTC." in text


def test_it_opens_without_a_network_and_holds_no_script() -> None:
    made = page()

    assert made.startswith("<!doctype html>")
    assert re.findall(r"<script|<link(?! rel=\"icon\" href=\"data:,\")|src=|url\(|@import| on\w+=\"", made) == []


def test_too_few_rows_say_how_many_are_missing() -> None:
    few = report({"v7": counted(20)})

    assert f"{few.rows_needed - 20:,} more are needed" in said(few)


def test_stable_says_what_would_have_been_found() -> None:
    stable = report({"v7": counted(1000)})
    least = max(shift.detectable for shift in (*stable.features, stable.predictions))

    assert f"a distance of {least:.2f} would have been found with a probability of 80%" in said(stable)
    assert "No feature moved by more than chance." in said(stable)


def test_a_shift_that_may_be_one_asks_to_wait() -> None:
    assert "wait for the next window" in said(DRIFTED.model_copy(update={"state": "watch"}))


def test_a_window_without_a_row_has_a_page() -> None:
    assert "iris v7: insufficient" in said(report({}))


def test_a_feature_that_moved_is_drawn_beside_training() -> None:
    made = page()

    assert made.count("<svg") == 2, "the feature and the predictions"
    assert "petal_length: training and this window" in made
    assert re.search(r"above 6\.9: 0% in training, \d+% now", made), "what is to be seen, for those who do not see it"


def test_features_are_ranked_with_all_that_was_measured() -> None:
    first = DRIFTED.features[0]
    row = re.search(r'<tr><th scope="row">petal_length</th>.*?</tr>', page())

    assert row is not None
    numbers = (first.distance, first.detectable, first.psi, first.critical_psi)
    assert [f"{number:.3f}" for number in numbers] == re.findall(r'<td class="n">(\d\.\d{3})</td>', row[0])
    assert all(moved.removeprefix("petal_length ") in text_of(row[0]) for moved in first.moved)


def test_an_estimate_says_what_it_cannot_see() -> None:
    assert BLIND in said()
    assert "Expected accuracy: 0.9000" in said()
    assert BLIND in said(DRIFTED.model_copy(update={"expected": None}))


def test_labels_that_could_not_be_used_are_told() -> None:
    text = said(DRIFTED.model_copy(update={"labels": LabelUse(unknown=1234, refused=5, files=3, files_read=2)}))

    assert "none of those that arrived belongs to an answer" in text
    assert "Labels without an answer1,234" in text
    assert "Unreadable entries of label files5" in text


def test_labels_show_coverage_intervals_slices_and_missed_gates() -> None:
    text = said(DRIFTED.model_copy(update={"live": LIVE}))

    assert "300 of 1,000 answers have a label (30%), half of them within 2 hours." in text
    assert "0.5500 to 0.6700" in text
    assert "petal_length above 6.9" in text
    assert "Gates missed: accuracy 0.6100 (0.5500 to 0.6700), not >= 0.9" in text
    assert "none has arrived" in said()


def test_refused_requests_are_told_by_reason_and_field() -> None:
    made = page(DRIFTED.model_copy(update={"refused": {"invalid-instance": {"age": 4, ANY: 9, "<b>": 5}}}))

    assert re.findall(r'scope="row">(invalid[\w-]+)</th><td>(.*?)</td><td class="n">(\d)</td>', made) == [
        ("invalid-instance", "in all", "9"),
        ("invalid-instance", "&lt;b&gt;", "5"),
        ("invalid-instance", "age", "4"),
    ]


def test_many_fields_of_refused_requests_are_cut() -> None:
    refused = {"invalid-instance": {f"f{place}": 1 for place in range(150)}}

    assert "50 more fields are in the report." in said(DRIFTED.model_copy(update={"refused": refused}))


def test_what_was_not_judged_is_told() -> None:
    text = said()

    assert "8 of 9 (a sample, evenly by object)" in text
    assert "there were more than one run reads" in text
    assert DRIFTED.key in text


def test_an_alarm_and_the_week_before_are_told() -> None:
    again = report(
        {"v7": counted(1000, longer_petals=1.5)},
        start=START + timedelta(hours=1),
        previous=DRIFTED,
        week_ago=report({"v7": counted(1000)}),
    )

    assert "At least two of the last three windows drift, which is an alarm." in said(again)
    assert "Compared with the same hours a week ago the state is drift (petal_length)." in said(again)


def test_earlier_windows_are_shown() -> None:
    later = report({"v7": counted(900)}, start=START + timedelta(hours=1))

    assert "Distance from training" in said(later, (DRIFTED,))


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "</style>", "a \"b\" & 'c'"])
def test_names_of_features_and_categories_stay_text(name: str) -> None:
    contract = Contract.model_validate(
        {
            "task": "classification",
            "features": [{"name": name, "kind": "category", "categories": [name, "b"]}],
            "target": {"name": name, "classes": [name, "b"]},
        }
    )
    bins = Bins(levels=(name, "b"))
    made = _shifted(contract, {name: bins}, predictions=bins)

    assert "<script" not in made
    assert made.count("</style>") == 1
    assert name in text_of(made)


def test_many_features_with_many_categories_stay_small_and_readable() -> None:
    levels = tuple(f"level {place}" for place in range(500))
    names = [f"feature_{place}" for place in range(400)]
    contract = Contract.model_validate(
        {
            "task": "classification",
            "features": [{"name": name, "kind": "category", "categories": levels} for name in names],
            "target": {"name": "t", "classes": levels},
        }
    )

    made = _shifted(contract, dict.fromkeys(names, Bins(levels=levels)), predictions=Bins(levels=levels))

    assert len(made) < 2**20
    assert made.count("<svg") == MAX_PICTURES + 1
    assert all(f">{name}<" in made for name in names)
    assert "<summary>360 more</summary>" in made
    assert re.search(r"\d+ others: \d+% in training", made)


def _shifted(contract: Contract, features: dict[str, Bins], *, predictions: Bins) -> str:
    """The page of a window whose rows are all of the first level."""
    trained = baseline(features, predictions)
    of_training = IRIS.counts.of_training(trained)
    moved = tuple(np.eye(len(counts), dtype=np.int64)[0] * 1000 for counts in of_training.features)
    counts = type(of_training)(1000, 1000, moved, of_training.predictions, 900.0)
    made = report_on(window({"v7": counts}), manifest(7, contract=contract), trained, alpha=1e-4)
    return render(made, trained, contract).decode()
