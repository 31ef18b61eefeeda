"""A year of a model whose rows become harder, and whose world then changes: `python -m benchmarks.accuracy_year`.

Truth is known here: each row is right with a probability that the world gives. In spring and summer the rows move to
where the classes meet (covariate shift); from autumn on, the same rows begin to have other answers (concept drift).
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from benchmarks.pages import write_page
from skylift.contract import Contract, Target
from skylift.feature import Feature
from skylift.monitoring.baseline import Bins
from skylift.monitoring.expected import Estimate, ExpectedAccuracy
from skylift.monitoring.join import Join
from skylift.monitoring.labels import Label, LabelBook
from skylift.monitoring.live import Live, measure
from skylift.predictors import SklearnPredictor
from skylift.scoring import Matrix, predicted_classes
from training.evaluation.confidence import expectation
from training.release.distribution import bins_of_numbers
from training.search.fitting import Fit, cut_folds, fit_and_score
from training.search.out_of_fold import OutOfFold

ROOT = Path(__file__).parents[1]

WEEKS = 52
SHIFT = range(10, 32)
"""Weeks in which the rows move, and stay."""
DRIFT = range(36, 48)
"""Weeks in which the world changes, and stays."""

_FEATURES = 4
_BACK = timedelta(days=30)
_START = datetime(2026, 1, 5, tzinfo=UTC)
_NAMES = ("no", "yes")
_CONTRACT = Contract(
    task="classification",
    features=tuple(Feature(name=f"x{number}", kind="number") for number in range(_FEATURES)),
    target=Target(name="answer", classes=_NAMES),
)


@dataclass(frozen=True)
class Year:
    """A year to simulate.

    Parameters
    ----------
    train_rows, rows
        Numbers of training rows, and of rows that are answered in a week.
    labelled
        Share of the rows that get a label.
    delay
        Weeks from the answer to its label.
    """

    train_rows: int = 6000
    rows: int = 2000
    labelled: float = 0.1
    delay: int = 2
    seed: int = 1

    @cached_property
    def generator(self) -> np.random.Generator:
        """Source of chance."""
        return np.random.default_rng(self.seed)


@dataclass(frozen=True)
class Week:
    """What is known of a week.

    Parameters
    ----------
    truth
        Expected share of right answers, given the world.
    expected
        Estimate without labels.
    live
        What labels that had arrived by then say of the 30 days before; None without any.
    """

    number: int
    truth: float
    expected: Estimate
    live: Live | None


def moved(week: int, when: range) -> float:
    """How far a change is, from 0 to 1."""
    return min(max((week - when.start) / len(when), 0.0), 1.0)


def draw(generator: np.random.Generator, rows: int, shift: float) -> Matrix:
    """Rows of the world, float64 `[n, features]`: the first feature falls by 1.2 with the shift."""
    values: Matrix = generator.normal(size=(rows, _FEATURES))
    values[:, 0] += 1.2 * (1 - shift)
    return values


def yes(rows: Matrix, drift: float) -> Matrix:
    """Probability of the second class: what the second feature says turns around with the drift."""
    turned = rows[:, 1] * (1 - 2 * drift)
    odds = 2.5 * rows[:, 0] + 1.5 * turned + rows[:, 2] * rows[:, 3]
    probabilities: Matrix = 1 / (1 + np.exp(-odds))
    return probabilities


def simulate(year: Year) -> Iterator[Week]:
    """Train once, then answer week by week."""
    predictor, known = _trained(year)
    book, answered = LabelBook(), []
    for number in range(WEEKS):
        rows = draw(year.generator, year.rows, moved(number, SHIFT))
        scores = predictor.scores(rows)
        answers, probabilities = predicted_classes(_CONTRACT.target, scores), yes(rows, moved(number, DRIFT))
        truth = np.where(answers == 1, probabilities, 1 - probabilities).mean()
        counts = np.bincount(answers, minlength=len(_NAMES) + 2)
        expected = known.estimate(counts, float(known.calibrated_rows(scores.max(axis=1)).sum()))
        assert expected is not None, "a week has rows"
        answered.append(answers)
        for label in _labels(year, number, year.generator.random(year.rows) < probabilities):
            book.add([label], label.observed_at)
        yield Week(number, float(truth), expected, _live(book, answered, number))


def _trained(year: Year) -> tuple[SklearnPredictor, ExpectedAccuracy]:
    rows = draw(year.generator, year.train_rows, 0.0)
    targets = (year.generator.random(year.train_rows) < yes(rows, 0.0)).astype(np.int64)
    model = make_pipeline(PolynomialFeatures(2), LogisticRegression(max_iter=1000))
    folds = cut_folds(_CONTRACT, rows, targets, seed=year.seed, nested=False)
    outcomes = [fit_and_score(folds, Fit(model, fold)) for fold in range(len(folds.outer))]
    answers = [outcome.answers for outcome in outcomes if outcome.answers is not None]
    known = expectation(
        OutOfFold.joined([(test, part) for (_, test), part in zip(folds.outer, answers, strict=True)]),
        _CONTRACT.target,
        rows,
        targets,
        keys=None,
        features=[bins_of_numbers(column) for column in rows.T],
        predictions=Bins(levels=_NAMES),
    )
    assert isinstance(known, ExpectedAccuracy)
    return SklearnPredictor(folds.fit(model), "classification"), known


def _request(week: int, row: int) -> str:
    return f"{week:08d}{row:08d}"


def _labels(year: Year, week: int, truths: NDArray[Any]) -> Iterator[Label]:
    """Labels of some rows, each known some weeks later."""
    observed = _START + timedelta(weeks=week + year.delay)
    for row in np.flatnonzero(year.generator.random(len(truths)) < year.labelled).tolist():
        yield Label(_request(week, row), 0, _NAMES[int(truths[row])], observed)


def _live(book: LabelBook, answered: list[NDArray[np.intp]], week: int) -> Live | None:
    """What labels say that were observed by the end of a week, of answers of the 30 days before."""
    now = _START + timedelta(weeks=week + 1)
    arrived = LabelBook()
    arrived.add([label for label in book if label.observed_at <= now], now)
    join = Join(arrived)
    for number, answers in enumerate(answered):
        at = _START + timedelta(weeks=number)
        if at >= now - _BACK:
            for row, answer in enumerate(answers.tolist()):
                join.add(_request(number, row), "v1", at, [float(answer)])
    if "v1" not in join.labelled:
        return None
    return measure(join.labelled["v1"], _CONTRACT.target, version="v1", predictions=join.predictions["v1"])


def table(weeks: list[Week]) -> str:
    """Every fourth week as a line of a table."""
    head = "| week | truth | expected | 95% | by labels | 95% | labels |\n|--:|--:|--:|--:|--:|--:|--:|\n"
    return head + "".join(_line(week) for week in weeks[3::4])


def _line(week: Week) -> str:
    expected, live = week.expected, week.live
    by_labels = ["", "", ""] if live is None else [_percent(live.value), _between(live), str(live.labels)]
    cells = [str(week.number + 1), _percent(week.truth), _percent(expected.value), _between(expected), *by_labels]
    return f"| {' | '.join(cells)} |\n"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _between(measured: Estimate | Live) -> str:
    low, high = measured.low, measured.high
    return "" if low is None or high is None else f"{_percent(low)} to {_percent(high)}"


def draw_year(weeks: list[Week], path: Path) -> None:
    """Draw truth, estimate and labels over the year."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 4), dpi=150)
    for when, words in ((SHIFT, "rows become harder"), (DRIFT, "the world changes")):
        axes.axvspan(when.start + 1, when.stop + 1, color="#f0f0f0")
        axes.annotate(words, ((when.start + when.stop) / 2 + 1, 0.97), ha="center", xycoords=("data", "axes fraction"))
    labelled = [week for week in weeks if week.live is not None]
    series: list[tuple[str, str, list[Week], list[Estimate | Live]]] = [
        ("expected, before any label", "#0072b2", weeks, [week.expected for week in weeks]),
        ("by labels of 30 days", "#d55e00", labelled, [week.live for week in labelled if week.live is not None]),
    ]
    for label, colour, of_weeks, measured in series:
        numbers = [week.number + 1 for week in of_weeks]
        low, high = ([100 * (one.low or 0) for one in measured], [100 * (one.high or 1) for one in measured])
        axes.fill_between(numbers, low, high, color=colour, alpha=0.2, linewidth=0)
        axes.plot(numbers, [100 * one.value for one in measured], color=colour, label=label)
    axes.plot([week.number + 1 for week in weeks], [100 * week.truth for week in weeks], "k--", label="truth")
    axes.set(xlabel="week", ylabel="% of answers that are right", xlim=(1, WEEKS), ylim=(50, 100))
    axes.legend(frameon=False, loc="lower left")
    figure.tight_layout()
    figure.savefig(path, metadata={"Software": None})


def main() -> None:
    """Simulate the year."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy_year", description="A simulated year.")
    parser.add_argument("--publish", action="store_true", help="write docs/benchmarks/accuracy_year.md and .png")
    publish = parser.parse_args().publish
    weeks = list(simulate(Year()))
    text = table(weeks)
    draw_year(weeks, write_page("accuracy_year", text, publish=publish))


if __name__ == "__main__":
    main()
