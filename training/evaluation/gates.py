"""The gates of a version: the bounds of `model.yaml`, and those that need no configuration."""

from collections.abc import Iterable, Mapping

from skylift.errors import GateFailed
from skylift.figures import apart, exact_share, exact_text
from skylift.metrics import Gate
from training.config import Bound
from training.evaluation.report import Champion, Evaluation
from training.metrics.registry import METRICS, Metric


def judge(bounds: Mapping[str, Bound], holdout: Mapping[str, float]) -> tuple[Gate, ...]:
    """Hold metrics against their gates; what the holdout cannot tell passes none."""
    judged = []
    for metric, bound in bounds.items():
        value = holdout.get(metric)
        passed = (
            value is not None
            and (bound.min is None or value >= bound.min)
            and (bound.max is None or value <= bound.max)
        )
        detail = (
            "on the holdout: its rows cannot tell; enlarge split.holdout, or bound another" if value is None else None
        )
        judged.append(Gate(metric=metric, min=bound.min, max=bound.max, value=value, passed=passed, detail=detail))
    return tuple(judged)


def standing_gates(evaluation: Evaluation) -> list[Gate]:
    """The gates that need no configuration."""
    baseline, checks, champion = evaluation.baseline, evaluation.behaviour, evaluation.champion
    failed = [f"{check.name}: {check.detail}" for check in checks if not check.passed]
    comparison = ">" if METRICS[baseline.metric].higher_is_better else "<"
    gates = [
        Gate(
            metric=baseline.metric,
            value=baseline.challenger,
            passed=baseline.beaten,
            against=baseline.value,
            detail=f"{comparison} {apart(baseline.value, baseline.challenger)} (dummy baseline){_way_out(evaluation)}",
        ),
        Gate(
            metric="behaviour",
            min=1,
            value=1 - len(failed) / len(checks),
            passed=not failed,
            detail=f"({'; '.join(failed) or f'{len(checks)} checks'})",
        ),
    ]
    if champion is not None and (gate := champion_gate(champion)) is not None:
        gates.append(gate)
    return gates


def champion_gate(champion: Champion, *, traffic: int | None = None) -> Gate | None:
    """The gate that a model is not much worse than the active version; None if they were not compared.

    Parameters
    ----------
    traffic
        Number of rows of labelled traffic, if both were measured on these and not on the holdout.
    """
    if (difference := champion.difference) is None:
        return None
    metric = METRICS[difference.metric]
    limit = (exact_text if metric.is_absolute else exact_share)(champion.max_regression)
    side = "below" if metric.higher_is_better else "above"
    bound = f"more than {limit} {side} the active {champion.version} ({apart(difference.before, difference.after)})"
    if traffic is not None:
        bound += f" on {traffic:,} labelled rows of traffic"
    excused = is_excused(champion)
    return Gate(
        metric=difference.metric,
        value=difference.after,
        passed=keeps_bound(champion) or excused,
        against=_worst_allowed(metric, difference.before, champion.max_regression),
        detail=f"{bound}, but within noise" if excused else f"not {bound}",
        rows=None if traffic is None else "labelled traffic",
    )


def _worst_allowed(metric: Metric, before: float, limit: float) -> float:
    """The value that is worse than the active version's by exactly what is allowed."""
    return before - metric.sign * limit * (1 if metric.is_absolute else abs(before))


def _way_out(evaluation: Evaluation) -> str:
    """What to do about a model that does not beat the dummy baseline."""
    baseline = evaluation.baseline
    if baseline.by_ranking:
        return " within noise, but of a rare class rows are ranked better than by chance"
    if baseline.beaten:
        return ""
    record = METRICS[baseline.metric]
    if record.sign * (baseline.challenger - baseline.value) > 0:
        return ", but not by more than noise and in most folds: add rows or features, or enlarge split.holdout"
    labels = evaluation.metrics.get("accuracy")
    labels_tell = labels is not None and labels.value is not None and (labels.baseline or 0) < labels.value
    if baseline.metric == "log_loss" and labels_tell:
        return ": its probabilities say less than the shares of the classes; if only labels matter, select_by: accuracy"
    return ": add features that tell the target, such as a column that a note calls left out, or other candidates"


def keeps_bound(champion: Champion) -> bool:
    """Whether a challenger is not worse by more than is allowed; a champion that was not compared forbids nothing."""
    if champion.difference is None:
        return True
    return champion.regression is not None and champion.regression <= champion.max_regression


def is_excused(champion: Champion) -> bool:
    """Whether a challenger is worse by more than is allowed, and these rows cannot tell that from chance."""
    difference = champion.difference
    if difference is None or keeps_bound(champion):
        return False
    is_tested = difference.interval is not None or difference.p_value is not None
    return is_tested and difference.within_noise


def check_gates(gates: Iterable[Gate], *, rows: str, hint: str) -> None:
    """Refuse a model that is not good enough.

    Parameters
    ----------
    rows
        Name of the rows that the model was measured on where a gate does not say it, for the message.
    hint
        Next step, for the message.

    Raises
    ------
    GateFailed
        A gate failed; the message lists all that did with their rows, metrics and bounds.
    """
    failed: dict[str, list[str]] = {}
    for gate in gates:
        if not gate.passed:
            failed.setdefault(gate.rows or f"the {rows}", []).append(str(gate))
    if failed:
        told = "; ".join(f"on {place}: {', '.join(words)}" for place, words in failed.items())
        raise GateFailed(f"gate failed {told}", hint)
