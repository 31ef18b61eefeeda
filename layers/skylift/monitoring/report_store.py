"""Reports in the bucket: `reports/{model}/{window}.json`, each with a page, and copies of the latest."""

from contextlib import suppress
from datetime import datetime, timedelta

from skylift.bucket import JSON, ModelFolder
from skylift.errors import IntegrityError
from skylift.monitoring.report import LATEST, Report, key_of

LATEST_PAGE = "latest.html"

_MAX_BYTES = 16 * 2**20
_LOOKING_BACK = timedelta(days=7)
_DAY = timedelta(days=1)
_HTML = "text/html; charset=utf-8"


class ReportStore(ModelFolder):
    """The reports of one model."""

    FOLDER = "reports"

    def latest(self) -> Report | None:
        """The latest report; None before the first.

        Raises
        ------
        AwsUnavailable
            S3 failed.
        IntegrityError
            It cannot be read.
        """
        return self.read(self._root + LATEST)

    def latest_page(self) -> bytes | None:
        """Its page; None before the first. See `latest`."""
        return self._bucket.read(self._root + LATEST_PAGE, limit=_MAX_BYTES)

    def of(self, start: datetime, end: datetime) -> Report | None:
        """The report of a window; None if it has none. See `latest`."""
        return self.read(key_of(self.model, start, end))

    def read(self, key: str) -> Report | None:
        """The report with a key; None if it does not exist. See `latest`."""
        data = self._bucket.read(key, limit=_MAX_BYTES)
        return None if data is None else Report.from_bytes(data, source=key, hint="delete it, or upgrade Skylift")

    def keys_before(self, start: datetime, *, most: int) -> list[str]:
        """Keys of the reports of the last windows that begin before a time, in the order of time.

        A week is looked back.

        Raises
        ------
        AwsUnavailable
            S3 failed.
        """
        end = key_of(self.model, start, start)[: -len(".json")].rpartition("-")[0]
        keys: list[str] = []
        day = start
        while len(keys) < most and start - day <= _LOOKING_BACK:
            of_day = [entry.key for entry in self._bucket.entries(f"{self._root}{day:%Y%m%d}T")]
            keys[:0] = [key for key in of_day if key.endswith(".json") and key < end]
            day -= _DAY
        return keys[-most:]

    def before(self, start: datetime, *, most: int) -> list[Report]:
        """Reports of the last windows that begin before a time, in the order of time; see `keys_before`.

        One that cannot be read is left out: that was told when it was the previous one.
        """
        reports = []
        for key in self.keys_before(start, most=most):
            with suppress(IntegrityError):
                if (report := self.read(key)) is not None:
                    reports.append(report)
        return reports

    def write(self, report: Report, page: bytes | None = None) -> None:
        """Write a report, and copies as the latest unless there is a later one.

        The latest is written last: a kill before leaves the one that was there.

        Parameters
        ----------
        page
            The report as a page.

        Raises
        ------
        AwsUnavailable
            S3 failed.
        """
        files = [
            *([(report.key.removesuffix(".json") + ".html", LATEST_PAGE, page, _HTML)] if page else []),
            (report.key, LATEST, report.to_bytes(), JSON),
        ]
        for key, _, data, content_type in files:
            self._bucket.write(key, data, content_type=content_type)
        if self._is_latest(report):
            for _, name, data, content_type in files:
                self._bucket.write(self._root + name, data, content_type=content_type)

    def _is_latest(self, report: Report) -> bool:
        """Whether no report of a later window was written; one that cannot be read does not count."""
        try:
            latest = self.latest()
        except IntegrityError:
            return True
        return latest is None or latest.window["to"] <= report.window["to"]
