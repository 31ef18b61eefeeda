"""The latest report of the monitor, read from the bucket when somebody asks for it, and kept for some seconds."""

import asyncio
import math
import time
from collections.abc import Callable
from typing import Any

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
        self._kept: dict[Callable[[ReportStore], Any], tuple[float, Any]] = {}

    async def read(self) -> Report:
        """The latest report, at most `KEPT_SECONDS` old, fetched in a thread: no prediction waits for it.

        Raises
        ------
        ReportAbsent
            No report was written.
        ReportUnavailable
            It cannot be read now.
        """
        return await self._fetched(ReportStore.latest)

    async def page(self) -> bytes:
        """Its page; see `read`."""
        return await self._fetched(ReportStore.latest_page)

    async def _fetched[Read](self, fetch: Callable[[ReportStore], Read | None]) -> Read:
        at: float
        found: Read | None
        at, found = self._kept.get(fetch, (-math.inf, None))
        if self._clock() - at >= KEPT_SECONDS:
            try:
                found = await asyncio.to_thread(fetch, self._reports) if self._reports else None
            except (AwsUnavailable, IntegrityError) as error:
                raise ReportUnavailable(
                    f"the latest report cannot be read now ({error.code})",
                    "try again shortly; predictions are not affected",
                ) from error
            self._kept[fetch] = (self._clock(), found)
        if found is None:
            raise ReportAbsent(
                "the monitor has written no report yet",
                "it writes one after the first full hour; `skylift monitor` judges what is there now",
            )
        return found
