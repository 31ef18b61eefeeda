"""One run of the monitor: read a window of the service's lines, judge it, and write what it came to."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from skylift.errors import (
    IntegrityError,
    InvalidReference,
    NoActiveVersion,
    NotMonitored,
    SkyliftError,
    VersionNotFound,
)
from skylift.manifest import BASELINE_FILE, Manifest
from skylift.monitoring.baseline import Baseline
from skylift.monitoring.by_labels import ByLabels
from skylift.monitoring.history import MAX_WINDOWS
from skylift.monitoring.page import render
from skylift.monitoring.profile import Shape
from skylift.monitoring.records import Reader
from skylift.monitoring.report import Report, report_on
from skylift.monitoring.report_store import ReportStore
from skylift.monitoring.sources import Source
from skylift.monitoring.verdict import alpha_per_look
from skylift.monitoring.window import Window, collect
from skylift.observability import MetricPoint
from skylift.pointer import ActivePointer
from skylift.references import parse_version
from skylift.store import VersionStore

WEEK = timedelta(days=7)

_REMEMBERED = 3
_MOST_AT_ONCE = 24

type LiveOf = Callable[[Manifest, Baseline, datetime], ByLabels]
"""Function from the documents of a version and the end of a window to what labels say of the version."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run.

    Parameters
    ----------
    report
        Report of the window.
    failures
        What could not be read for it: it stands without that.
    """

    report: Report
    failures: tuple[SkyliftError, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """A version that traffic can be compared with."""

    manifest: Manifest
    baseline: Baseline


class Monitor:
    """Compares the traffic of one model with the training of its versions.

    Parameters
    ----------
    source
        Keeper of the service's lines.
    store, pointer
        Versions of the model, and the pointer to the active one.
    reports
        Reports of the model.
    every
        Time from look to look, which the promised rate of false alarms is derived from.
    live_of
        What labels say of a version; None without labels.
    """

    def __init__(
        self,
        source: Source,
        store: VersionStore,
        pointer: ActivePointer,
        reports: ReportStore,
        *,
        every: timedelta,
        live_of: LiveOf | None = None,
    ) -> None:
        self._source = source
        self._store = store
        self._pointer = pointer
        self._reports = reports
        self._alpha = alpha_per_look(every)
        self._live_of = live_of
        self._known: dict[str, Known | None] = {}
        self._failures: list[SkyliftError] = []

    def run(self, start: datetime, end: datetime) -> Outcome:
        """Judge a window and write its report. Again, it writes the same.

        Raises
        ------
        SkyliftError
            See `look`; or the report cannot be written.
        """
        outcome = self.look(start, end)
        self.write(outcome.report)
        return outcome

    def write(self, report: Report) -> None:
        """Write a report that this monitor made, and its page; see `ReportStore.write`."""
        self._reports.write(report, self.page(report))

    def page(self, report: Report) -> bytes | None:
        """The page of a report, HTML as UTF-8; None if its version can no longer be read.

        Raises
        ------
        AwsUnavailable
            The version or earlier reports cannot be read.
        """
        if (known := self._version(report.version)) is None:
            return None
        history = self._reports.before(report.window["from"], most=MAX_WINDOWS)
        return render(report, known.baseline, known.manifest.contract, history)

    def look(self, start: datetime, end: datetime) -> Outcome:
        """Judge a window.

        Parameters
        ----------
        start, end
            First moment of the window, and the first one after it, in UTC.

        Raises
        ------
        AwsUnavailable
            The lines, the versions or earlier reports cannot be read.
        NoActiveVersion
            No version is active, and none answered.
        NotMonitored
            The version to judge was published without bins.
        OSError
            A log file cannot be read.
        """
        self._failures = []
        window = self._window(start, end)
        known = self._judged(window)
        manifest, baseline = known.manifest, known.baseline
        report = report_on(
            window,
            manifest,
            baseline,
            alpha=self._alpha,
            previous=self._previous(start),
            week_ago=self._read(lambda: self._reports.of(start - WEEK, end - WEEK)),
            by_labels=self._by_labels(known, end),
        )
        return Outcome(report, tuple(self._failures))

    def _window(self, start: datetime, end: datetime) -> Window:
        reader = Reader()
        reading = self._source.read(reader, start, end)
        window = collect(reader, reading.records, self._shape, start=start, end=end)
        return replace(window, objects=reading.objects, objects_read=reading.objects_read)

    def _judged(self, window: Window) -> Known:
        """The active version if it answered, else the one that answered most rows."""
        active = self._pointer.read()
        names = [active.name] if active else []
        rows = {name: counts.rows for name, counts in window.counts.items()}
        if rows and not (active and active.name in rows):
            names.insert(0, max(rows, key=rows.__getitem__))
        if not names:
            raise NoActiveVersion("no version is active", "promote one: `skylift promote v1`")
        if (known := self._version(names[0])) is None:
            raise NotMonitored(
                f"the traffic of {names[0]} cannot be compared with its training",
                "train and promote a newer version: this one was published without bins, or they cannot be read",
            )
        return known

    def _shape(self, name: str) -> Shape | None:
        known = self._version(name)
        return Shape.of(known.baseline) if known else None

    def _version(self, name: str) -> Known | None:
        """A version by the name that lines give it; None without bins. What cannot be read is told once."""
        if name not in self._known:
            self._known[name] = self._read(lambda: self._load(name))
        return self._known[name]

    def _load(self, name: str) -> Known | None:
        try:
            manifest = self._store.version(parse_version(name)[0]).manifest
        except (InvalidReference, VersionNotFound):
            return None
        if BASELINE_FILE not in manifest.artifacts:
            return None
        data = self._store.artifact(manifest, BASELINE_FILE)
        baseline = Baseline.of_version(data, source=f"{BASELINE_FILE} of {name}")
        return Known(manifest, baseline) if baseline else None

    def _previous(self, start: datetime) -> Report | None:
        """The last report before a window, of those that can be read."""
        for key in reversed(self._reports.keys_before(start, most=_REMEMBERED)):
            if (report := self._read(lambda key=key: self._reports.read(key))) is not None:  # type: ignore[misc]
                return report
        return None

    def _by_labels(self, known: Known, end: datetime) -> ByLabels:
        """What labels say; a failure costs no more than that."""
        if self._live_of is None:
            return ByLabels()
        try:
            return self._live_of(known.manifest, known.baseline, end)
        except SkyliftError as error:
            self._failures.append(error)
            return ByLabels()

    def _read[Read](self, read: Callable[[], Read | None]) -> Read | None:
        """What a function reads; None where it is not what it should be, which is told."""
        try:
            return read()
        except IntegrityError as error:
            self._failures.append(error)
            return None


def due_windows(
    now: datetime, every: timedelta, latest: datetime | None, *, settled: timedelta
) -> list[tuple[datetime, datetime]]:
    """The windows to judge now: those that ended since the latest report, at most a day's worth.

    Parameters
    ----------
    now
        Time of the run, UTC.
    every
        Length of a window. Windows begin at multiples of it since the epoch.
    latest
        End of the latest window with a report; None before the first, when one window is judged.
    settled
        Time after the end of a window in which its lines may still arrive.

    Examples
    --------
    >>> at = datetime(2026, 3, 1, 12, 20, tzinfo=UTC)
    >>> due = due_windows(at, timedelta(hours=1), at.replace(hour=10, minute=0), settled=timedelta(minutes=15))
    >>> [f"{start:%H:%M} to {end:%H:%M}" for start, end in due]
    ['10:00 to 11:00', '11:00 to 12:00']
    """
    epoch = datetime.fromtimestamp(0, UTC)
    end = epoch + (now - settled - epoch) // every * every
    first = max(latest or end - every, end - _MOST_AT_ONCE * every)
    count = (end - first) // every
    return [(end - (back + 1) * every, end - back * every) for back in reversed(range(count))]


def metrics_of(report: Report) -> list[MetricPoint]:
    """The metrics of a window: few, since each costs by itself."""
    shifts = (*report.features, report.predictions)
    told = [shift for shift in shifts if shift.state != "insufficient"]
    points = [
        MetricPoint("WindowRows", report.window["rows"]),
        MetricPoint("DriftedFeatures", sum(shift.state == "drift" for shift in shifts)),
    ]
    if told:
        points.append(MetricPoint("LargestShift", max(shift.distance for shift in told)))
    if expected := report.expected:
        points.append(
            MetricPoint("ExpectedAccuracy" if expected.metric == "accuracy" else "ExpectedError", expected.value)
        )
    if live := report.live:
        points += [
            MetricPoint("LiveAccuracy" if live.metric == "accuracy" else "LiveError", live.value),
            MetricPoint("LabelCoverage", live.coverage),
            MetricPoint("LiveGatesMissed", len(live.missed)),
        ]
    return points
