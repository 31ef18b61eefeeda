"""What a search tries of a candidate, and how the trials stand."""

from dataclasses import dataclass, field

import numpy as np

from training.config.search_space import Params
from training.metrics.registry import METRICS
from training.search.candidates import Built
from training.search.fitting import SURE_ROWS, Folds

_LEAST_ROWS = 30


@dataclass(frozen=True, slots=True)
class Round:
    """Trials that are tried on some rows; None for all of them."""

    trials: int
    rows: int | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is tried of a candidate: one set of parameters and no round where nothing is searched for."""

    built: Built
    trials: list[Params]
    rounds: list[Round]


@dataclass(slots=True)
class Standings:
    """What one inner cross-validation knows of its trials: the last round and the score in each fold, by trial."""

    metric: str
    round: dict[int, int] = field(default_factory=dict)
    scores: dict[int, list[float]] = field(default_factory=dict)

    def order(self) -> list[int]:
        """Trials that were tried, the best first: those of later rounds, then by their mean."""
        sign = METRICS[self.metric].sign
        return sorted(self.scores, key=lambda trial: (-self.round[trial], -sign * self.mean(trial), trial))

    def mean(self, trial: int) -> float:
        """Mean score of a trial over the folds."""
        return float(np.mean(self.scores[trial]))


def plan_of(folds: Folds, built: Built) -> Plan:
    """What is tried of a candidate on these folds."""
    search = built.candidate.search
    if search is None:
        return Plan(built, [{}], [])
    trials = search.trials(folds.seed)
    rows = min(len(train) for inner in folds.inner for train, _ in inner)
    least = max(_LEAST_ROWS, SURE_ROWS * len(folds.contract.target.classes))
    *early, (count, _) = search.rounds(len(trials), rows, least)
    return Plan(built, trials, [*(Round(*planned) for planned in early), Round(count, None)])


def count_fits(folds: Folds, plan: Plan) -> int:
    """Number of fits that a plan takes."""
    return len(folds.outer) + sum(planned.trials for planned in plan.rounds) * count_inner(folds)


def count_inner(folds: Folds) -> int:
    """Number of fits that one trial takes."""
    return sum(len(inner) for inner in folds.inner)
