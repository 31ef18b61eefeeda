"""What a window came to: what the page, the card and `/drift-status` read, and what later windows are compared with."""

from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict

from skylift.contract import Contract
from skylift.documents import Document
from skylift.manifest import Manifest
from skylift.monitoring.baseline import Baseline
from skylift.monitoring.by_labels import ByLabels, LabelUse
from skylift.monitoring.counts import Counts
from skylift.monitoring.expected import Estimate
from skylift.monitoring.live import Live
from skylift.monitoring.verdict import Shift, State, Verdict, alarm, judge
from skylift.monitoring.window import Window

LATEST = "latest.json"

_REMEMBERED = 3
_NAME = "%Y%m%dT%H%M%SZ"

Span = TypedDict(
    "Span",
    {
        "from": datetime,
        "to": datetime,
        "rows": int,
        "requests": int,
        "without_profile": int,
        "failed": int,
        "unreadable": int,
        "duplicates": int,
        "objects": int,
        "objects_read": int,
        "cut": NotRequired[bool],  # reports of older releases have neither
        "late": NotRequired[int],
    },
)
"""The window that was read, and what of it was not; rows and requests are those of the version."""


class Comparison(Document):
    """The window beside the same hours a week ago.

    Parameters
    ----------
    state
        State of all features and of the predictions.
    drifted
        Names of the features that drift, the most important first.
    """

    state: State
    drifted: tuple[str, ...]


class Report(Document):
    """What the monitor found in one window.

    Parameters
    ----------
    model, version
        Names of the model and of the version whose traffic is judged.
    state, rows_needed
        Verdict, and the rows that a window needs before it can be called stable.
    features, predictions
        Shifts from training: features by state, then by importance times distance.
    week_ago
        The same window beside the one of a week ago; None without a report of it, or if this version was not in it.
    confidence
        Mean calibrated confidence of the rows; None for a regression.
    expected, live
        Metric as estimated without labels, and as labels show it; None where neither can tell.
    labels
        What of the labels could be used; None where none has arrived.
    refused
        Numbers of refused requests by reason and field; all of a reason by an empty field.
    recent
        States of the last windows of this version, this one last.
    alarm
        Whether two of the last three windows drift.
    since
        Start of the first window of a row of windows of this state.
    alpha
        Probability of a false `drift` that a look may have.
    counts
        Counts of the window by version, for comparison with later ones.
    """

    schema_version: Literal[1] = 1
    model: str
    version: str
    state: State
    window: Span
    rows_needed: int
    features: tuple[Shift, ...]
    predictions: Shift
    week_ago: Comparison | None = None
    confidence: float | None = None
    expected: Estimate | None = None
    live: Live | None = None
    labels: LabelUse | None = None
    refused: dict[str, dict[str, int]]
    recent: tuple[State, ...]
    alarm: bool
    since: datetime
    alpha: float
    counts: dict[str, dict[str, Any]]

    @property
    def key(self) -> str:
        """Key of the report in the bucket."""
        return key_of(self.model, self.window["from"], self.window["to"])

    def counts_of(self, version: str) -> Counts | None:
        """Counts of a version in the window; None if it answered nothing."""
        counts = self.counts.get(version)
        return Counts.from_document(counts) if counts else None

    def status(self, now: datetime) -> dict[str, Any]:
        """The answer of `/drift-status`: the report without its counts, with its age and its place."""
        document = self.model_dump(mode="json", exclude={"schema_version", "counts"})
        age = max(0.0, (now - self.window["to"]).total_seconds())  # `skylift up` judges a window before its end
        return {**document, "age_seconds": round(age), "report": self.key}


def key_of(model: str, start: datetime, end: datetime) -> str:
    """Key of the report of a window, which its page has as well, with another ending.

    Examples
    --------
    >>> from datetime import UTC
    >>> key_of("iris", datetime(2026, 3, 1, 10, tzinfo=UTC), datetime(2026, 3, 1, 11, tzinfo=UTC))
    'reports/iris/20260301T100000Z-20260301T110000Z.json'
    """
    return f"reports/{model}/{start:{_NAME}}-{end:{_NAME}}.json"


def report_on(
    window: Window,
    manifest: Manifest,
    baseline: Baseline,
    *,
    alpha: float,
    previous: Report | None = None,
    week_ago: Report | None = None,
    by_labels: ByLabels | None = None,
) -> Report:
    """Judge a window.

    Parameters
    ----------
    manifest, baseline
        Documents of the version to judge.
    alpha
        Probability of a false `drift` per look; see `alpha_per_look`.
    previous, week_ago
        Reports of the window before, and of the same hours a week ago; None without one.
    by_labels
        What labels say; None without any.
    """
    version, contract = manifest.name, manifest.contract
    counts = window.counts.get(version) or Counts.none(Counts.of_training(baseline).shape)
    verdict = judge(counts, Counts.of_training(baseline), baseline, contract, alpha=alpha)
    before = previous if previous and previous.version == version else None
    recent = (*(before.recent if before else ()), verdict.state)[-_REMEMBERED:]
    classifies = contract.task == "classification" and counts.rows > 0
    return Report(
        model=manifest.model,
        version=version,
        state=verdict.state,
        window=_span(window, counts),
        rows_needed=verdict.rows_needed,
        features=verdict.features,
        predictions=verdict.predictions,
        week_ago=_compared(counts, week_ago.counts_of(version) if week_ago else None, baseline, contract, alpha),
        confidence=counts.confidence / counts.rows if classifies else None,
        expected=baseline.confidence.estimate(counts.predictions, counts.confidence) if baseline.confidence else None,
        live=by_labels.live if by_labels else None,
        labels=by_labels.use if by_labels else None,
        refused={reason: dict(fields) for reason, fields in window.refused.items()},
        recent=recent,
        alarm=alarm(recent),
        since=before.since if before and before.state == verdict.state else window.start,
        alpha=alpha,
        counts={name: each.to_document() for name, each in window.counts.items()},
    )


def _compared(
    counts: Counts, before: Counts | None, baseline: Baseline, contract: Contract, alpha: float
) -> Comparison | None:
    if before is None or before.shape != counts.shape:
        return None
    verdict: Verdict = judge(counts, before, baseline, contract, alpha=alpha)
    return Comparison(state=verdict.state, drifted=tuple(shift.name for shift in verdict.drifted))


def _span(window: Window, counts: Counts) -> Span:
    return {
        "from": window.start,
        "to": window.end,
        "rows": counts.rows,
        "requests": counts.requests,
        "without_profile": window.without_profile,
        "failed": window.failed,
        "unreadable": window.unreadable,
        "duplicates": window.duplicates,
        "objects": window.objects,
        "objects_read": window.objects_read,
        "cut": window.cut,
        "late": window.late,
    }
