"""An average of the best candidates, if it is better than each of them.

Weights are chosen greedily: again and again the candidate is added, with repetition, that makes the average best, and
the best of these averages is kept (Caruana, Niculescu-Mizil, Crew and Ksikes, 2004). They are chosen by answers out of
fold. What the average scores in a fold is measured with weights that the other folds chose, so that the choice of
weights is in the score as that of parameters is. Candidates were fitted for the folds once; nothing is fitted again.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from skylift.contract import Contract
from skylift.figures import format_value
from skylift.metrics import LeaderboardEntry
from skylift.names import listed
from skylift.scoring import Matrix
from training.config.candidates import ENSEMBLE
from training.metrics.registry import METRICS, selectable
from training.metrics.scores import fold_summary, score_metrics
from training.search.finalists import Finalist, Member
from training.search.fitting import Folds
from training.search.loop import Result
from training.search.out_of_fold import OutOfFold

_ROUNDS = 10
_MOST_ANSWERS = 100_000
_DIGITS = 12
_CLASS = {
    "classification": "sklearn.ensemble.VotingClassifier",
    "regression": "sklearn.ensemble.VotingRegressor",
}


def averaged(folds: Folds, results: Sequence[Result], *, select_by: str) -> Finalist | None:
    """The best average of candidates; None where one of them alone is best, or fewer than two were measured.

    Parameters
    ----------
    folds
        Training rows with the folds that the candidates were measured in.
    results
        Candidates, the best first.
    select_by
        Name of the metric that they are compared by.
    """
    complete = [
        (result, result.out_of_fold)
        for result in results
        if result.out_of_fold is not None
        and math.isfinite(result.rank)
        and np.isfinite(result.out_of_fold.scores).all()
    ]
    if len(complete) < 2:
        return None
    contract, (_, measured) = folds.contract, complete[0]
    answers = np.stack([out_of_fold.scores for _, out_of_fold in complete])
    targets = folds.targets[measured.rows]
    weights = chosen_weights(contract, targets, answers, select_by)
    members = [(result, weight) for (result, _), weight in zip(complete, weights.tolist(), strict=True) if weight]
    if len(members) < 2:
        return None
    parts, by_fold = [], []
    for fold in np.unique(measured.folds).tolist():
        inside = measured.folds == fold
        others = chosen_weights(contract, targets[~inside], answers[:, ~inside], select_by)
        scores = np.average(answers[:, inside], axis=0, weights=others)
        parts.append((measured.rows[inside], scores))
        by_fold.append(score_metrics(contract, targets[inside], scores))
    entry = LeaderboardEntry(
        candidate=ENSEMBLE,
        estimator=_CLASS[contract.task],
        params={
            "estimators": [result.entry.candidate for result, _ in members],
            "weights": [weight for _, weight in members],
        },
        scores={
            metric.name: fold_summary([values.get(metric.name, math.nan) for values in by_fold])
            for metric in selectable(contract.task)
        },
    )
    return Finalist(entry, tuple(Member.of(*member) for member in members), OutOfFold.joined(parts))


def cost_of_average(board: Sequence[LeaderboardEntry], select_by: str) -> Iterator[str]:
    """A note of what a selected average wins, which may be little, and what it costs.

    Parameters
    ----------
    board
        Leaderboard, the selected model first.
    """
    if board[0].candidate != ENSEMBLE:
        return
    members = board[0].params["estimators"]
    names = [str(name) for name in members] if isinstance(members, list) else []
    alone = next(entry for entry in board[1:] if entry.candidate in names)
    average, other = (format_value(entry.scores[select_by].mean) for entry in (board[0], alone))
    yield (
        f"an average was selected ({select_by} {average}, {other} by {alone.candidate} alone): an answer takes the "
        f"time of {listed(names)} together; ensemble: false keeps one"
    )


def chosen_weights(
    contract: Contract, targets: NDArray[np.generic], answers: Matrix, select_by: str
) -> NDArray[np.int64]:
    """How often each candidate is in the best average that greedy selection finds, `[candidates]`.

    Parameters
    ----------
    targets
        Class codes or values, `[n]`.
    answers
        Scores of the candidates, the best first, `[candidates, n, classes]` or `[candidates, n]`.
    """
    step = -(-answers[0].size // _MOST_ANSWERS)  # weights are few: more rows would hardly change them
    targets, answers = targets[::step], answers[:, ::step]
    record = METRICS[select_by]
    weights = np.zeros(len(answers), dtype=np.int64)
    total, best, chosen = np.zeros(answers.shape[1:]), -math.inf, weights
    for count in range(1, _ROUNDS + 1):
        averages = ((total + scores) / count for scores in answers)
        values = [score_metrics(contract, targets, scores, [record]).get(select_by, math.nan) for scores in averages]
        ranks = [round(record.sign * value, _DIGITS) if math.isfinite(value) else -math.inf for value in values]
        place = int(np.argmax(ranks))
        weights[place] += 1
        total = total + answers[place]
        if count == 1 or ranks[place] > best:
            best, chosen = ranks[place], weights.copy()
    reduced: NDArray[np.int64] = chosen // np.gcd.reduce(chosen)
    return reduced
