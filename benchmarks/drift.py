"""How often windows without drift are called drift, and how soon drift is found, by drawing both.

Each window has training rows of its own: what training happened to draw is chance as well. A version has numbers, a
category with a long tail, a boolean and predictions of three classes, which do not depend on each other.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from skylift.contract import Contract, Target
from skylift.feature import Feature
from skylift.monitoring import statistics
from skylift.monitoring.baseline import Baseline, Bins, Distribution, FeatureDistribution
from skylift.monitoring.counts import Counts, Histogram
from skylift.monitoring.verdict import State, Verdict, judge
from training.release.distribution import bins_of_numbers

type Shares = NDArray[np.float64]

LEVELS = 100
CLASSES = ("a", "b", "c")
NUMBERS = 4

_NORMAL = NormalDist()
_RANKS = 1 / np.arange(1, LEVELS + 1)
_CATEGORY: Shares = np.random.default_rng(1).permutation(_RANKS / _RANKS.sum())
_MISSING = 0.03
_TRUE = 0.2


@dataclass(frozen=True, slots=True)
class Case:
    """Windows to draw.

    Parameters
    ----------
    rows, training
        Rows of a window, and of training.
    shift
        Standard deviations by which the first number has moved; 0 for no drift.
    windows
        Number of windows.
    """

    rows: int
    training: int
    shift: float = 0.0
    windows: int = 2000


@dataclass(frozen=True, slots=True)
class Found:
    """What became of the windows.

    Parameters
    ----------
    states
        Windows by state, for each level of the test.
    fixed
        Windows in which the PSI of a feature is above 0.1, the usual cut-off.
    distance
        Mean distance of the first number.
    """

    states: dict[float, dict[State, int]]
    fixed: int
    distance: float


def draw(case: Case, alphas: tuple[float, ...], seed: int = 0) -> Found:
    """Draw windows and judge them.

    Parameters
    ----------
    alphas
        Levels of the test.
    seed
        Seed of all draws.
    """
    random = np.random.default_rng([seed, case.rows, case.training, round(100 * case.shift)])
    states: dict[float, dict[State, int]] = {
        alpha: {"insufficient": 0, "stable": 0, "watch": 0, "drift": 0} for alpha in alphas
    }
    fixed, distances = 0, []
    for _ in range(case.windows):
        contract, baseline = _train(random, case.training)
        training, window = Counts.of_training(baseline), _window(random, baseline, case)
        verdicts: list[Verdict] = [judge(window, training, baseline, contract, alpha=alpha) for alpha in alphas]
        for alpha, verdict in zip(alphas, verdicts, strict=True):
            states[alpha][verdict.state] += 1
        pairs = zip(window.features, training.features, strict=True)
        fixed += any(_usual_psi(now, before) > 0.1 for now, before in pairs)
        distances.append(next(shift.distance for shift in verdicts[0].features if shift.name == "number 1"))
    return Found(states, fixed, float(np.mean(distances)))


def _train(random: np.random.Generator, rows: int) -> tuple[Contract, Baseline]:
    bins: dict[str, Bins] = {}
    counts: dict[str, Histogram] = {}
    for number in range(1, NUMBERS + 1):
        values = random.normal(size=rows)
        values[random.random(rows) < _MISSING] = np.nan
        name = f"number {number}"
        bins[name] = bins_of_numbers(values)
        counts[name] = bins[name].counts(values)
    drawn = random.multinomial(rows, _CATEGORY)
    bins["category"] = Bins(levels=tuple(str(level) for level in np.flatnonzero(drawn)))
    counts["category"] = np.array([*drawn[drawn > 0], 0, 0])
    bins["boolean"] = Bins(levels=("false", "true"))
    counts["boolean"] = random.multinomial(rows, [1 - _TRUE, _TRUE, 0, 0])
    answers = random.multinomial(max(1, rows // 4), [0.5, 0.3, 0.2, 0, 0])  # of the holdout
    contract = Contract(
        task="classification",
        features=tuple(
            Feature(name=name, kind="category", categories=each.levels or ())
            if name == "category"
            else Feature(name=name, kind="boolean" if name == "boolean" else "number")
            for name, each in bins.items()
        ),
        target=Target(name="answer", classes=CLASSES),
    )
    baseline = Baseline(
        rows=rows,
        features={
            name: FeatureDistribution(bins=each, counts=tuple(counts[name].tolist())) for name, each in bins.items()
        },
        predictions=Distribution(bins=Bins(levels=CLASSES), counts=tuple(answers.tolist())),
    )
    return contract, baseline


def _window(random: np.random.Generator, baseline: Baseline, case: Case) -> Counts:
    """A window by bin, drawn from the true shares of the bins, so that its size costs nothing."""
    shares = [
        _true_shares(name, feature.bins, shift=case.shift if name == "number 1" else 0.0)
        for name, feature in baseline.features.items()
    ]
    features = tuple(random.multinomial(case.rows, each) for each in shares)
    return Counts(case.rows, case.rows, features, random.multinomial(case.rows, [0.5, 0.3, 0.2, 0, 0]))


def _true_shares(name: str, bins: Bins, *, shift: float) -> Shares:
    if name == "boolean":
        return np.array([1 - _TRUE, _TRUE, 0, 0])
    if bins.levels is not None:
        known = _CATEGORY[[int(level) for level in bins.levels]]
        return np.array([*known, max(0.0, 1 - known.sum()), 0])
    reached = [0.0, *(_NORMAL.cdf(edge - shift) for edge in bins.edges or ()), 1.0]
    return np.array([*((1 - _MISSING) * np.diff(reached)), _MISSING])


def _usual_psi(now: Histogram, before: Histogram) -> float:
    """PSI as it is usually computed: empty bins hold one row in ten thousand."""
    shares, expected = (np.maximum(statistics.shares(counts), 1e-4) for counts in (now, before))
    return float(np.sum((shares - expected) * np.log(shares / expected)))
