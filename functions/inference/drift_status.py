"""The latest report of the monitor, read from the bucket when somebody asks for it, and kept for some seconds."""

import asyncio
import time
from collections.abc import Callable

from skylift.errors import AwsUnavailable, IntegrityError, ReportAbsent, ReportUnavailable
from skylift.monitoring.report import Report
from skylift.monitoring.report_store import ReportStore

KEPT_SECONDS = 10.0


class LatestReport:
    """The latest report of one model.

    Parameters
    ----------
    reports
        Reports of the model; None where nobody looks for any.
    clock
        Function that returns monotonic seconds.
    """

    def __init__(self, reports: ReportStore | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._reports = reports
        self._clock = clock
        self._kept: tuple[float, Report | None] | None = None

    async def read(self) -> Report:
        """The latest report, at most `KEPT_SECONDS` old, fetched in a thread: no prediction waits for it.

        Raises
        ------
        ReportAbsent
            No report was written.
        ReportUnavailable
            It cannot be read now.
        """
        if self._kept is None or self._clock() - self._kept[0] >= KEPT_SECONDS:
            try:
                report = await asyncio.to_thread(self._reports.latest) if self._reports else None
            except (AwsUnavailable, IntegrityError) as error:
                raise ReportUnavailable(
                    f"the latest report cannot be read now ({error.code})",
                    "try again shortly; predictions are not affected",
                ) from error
            self._kept = (self._clock(), report)
        if (kept := self._kept[1]) is None:
            raise ReportAbsent(
                "the monitor has written no report yet",
                "it writes one after the first full hour; `skylift monitor` judges what is there now",
            )
        return kept
