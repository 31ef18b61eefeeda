"""What a training is in MLflow's words: metrics with folds as steps, parameters, a nested run per candidate."""

import re
from collections.abc import Mapping

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking.context.registry import resolve_tags

from skylift.metrics import LeaderboardEntry, Spread
from training.evaluation.report import MetricReport
from training.tracking.described import Described


def log_candidate(
    client: MlflowClient, experiment: str, parent: str, training: Described, entry: LeaderboardEntry, start: int
) -> None:
    """A candidate: its parameters and folds, and the holdout for the one that was selected, which alone saw it."""
    tags = resolve_tags({"mlflow.parentRunId": parent, "mlflow.source.name": "skylift train"})
    run_id = client.create_run(experiment, start_time=start, run_name=entry.candidate, tags=tags).info.run_id
    selected = entry.candidate == training.selected
    ends = {"skylift.failure": entry.failure, "skylift.dropped": entry.dropped}
    tags = {"skylift.selected": str(selected).lower()} | {name: text for name, text in ends.items() if text}
    metrics = cross_validated(entry.scores) + (holdout(training) if selected else [])
    log_batch(client, run_id, params={"estimator": entry.estimator, **entry.params}, metrics=metrics, tags=tags)
    client.set_terminated(run_id, "FAILED" if entry.failure else "FINISHED")


def selected_params(entry: LeaderboardEntry) -> dict[str, object]:
    """The chosen candidate's parameters, as those of the training."""
    return {"estimator": entry.estimator} | {f"model.{name}": value for name, value in entry.params.items()}


def cross_validated(scores: Mapping[str, Spread]) -> list[Metric]:
    """Mean and spread, and the folds as steps, which MLflow draws."""
    metrics = []
    for name, score in scores.items():
        metrics += [Metric(f"cv_{name}", score.mean, 0, 0), Metric(f"cv_{name}_std", score.std, 0, 0)]
        metrics += [Metric(f"fold_{name}", value, 0, step) for step, value in enumerate(score.folds, start=1)]
    return metrics


def holdout(training: Described) -> list[Metric]:
    """The evaluation's metrics with their intervals, and each class's."""
    metrics, known = [], training.metrics
    measures = (
        training.evaluation.metrics
        if training.evaluation
        else {
            name: MetricReport(value=value, interval=known.intervals.get(name)) for name, value in known.holdout.items()
        }
    )
    for name, measure in measures.items():
        ends = (measure.interval.low, measure.interval.high) if measure.interval else (None, None)
        found = {"": measure.value, "_low": ends[0], "_high": ends[1], "_dummy": measure.baseline}
        metrics += [Metric(f"holdout_{name}{end}", value, 0, 0) for end, value in found.items() if value is not None]
    for one in known.per_class:
        name = _key(str(one.name))
        rates = {"precision": one.precision, "recall": one.recall, "f1": one.f1}
        metrics += [Metric(f"holdout_{rate}.{name}", value, 0, 0) for rate, value in rates.items()]
    return metrics


def _key(text: str) -> str:
    """A name from the table or `model.yaml` as far as MLflow takes it in its own."""
    return re.sub(r"[^\w\-. ]", "_", text)[:200]


def log_batch(
    client: MlflowClient,
    run_id: str,
    *,
    params: Mapping[str, object],
    metrics: list[Metric],
    tags: Mapping[str, str],
) -> None:
    """Write to a run in one request."""
    client.log_batch(
        run_id,
        metrics=metrics,
        params=[Param(_key(key), str(value)[:6000]) for key, value in params.items()],
        tags=[RunTag(key, value[:5000]) for key, value in tags.items()],
    )
