"""The monitor beside `skylift up`: a process of its own, with what the others leave of the cores.

python -m training.cli.live_monitor LOG URL
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from skylift.errors import SkyliftError
from skylift.monitoring.monitor import Monitor
from skylift.monitoring.report import Report
from skylift.monitoring.verdict import State
from training.cli.lifetime import end_with_stdin

EVERY_SECONDS = 30.0

LENGTH = timedelta(hours=1)
"""The time that is judged, until now."""
_STEP = timedelta(minutes=5)  # windows that begin at each look would leave a report each
_EPOCH = datetime.fromtimestamp(0, UTC)
_ALARMING: set[State] = {"watch", "drift"}
_STOP_SECONDS = 3
_LOWER_PRIORITY = 10


class LiveMonitor:
    """The process; it ends with this one, however that ends.

    Parameters
    ----------
    log
        Log of the service.
    url
        URL of the service, to say where to look.
    """

    def __init__(self, log: Path, url: str) -> None:
        command = [sys.executable, "-m", "training.cli.live_monitor", str(log), url]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Watch:
    """Looks at the last hour again and again, and says when it begins or ends to drift.

    Parameters
    ----------
    monitor
        Monitor of the model.
    say
        Function that prints a line.
    warn
        Function that prints what could not be done, and what to do about it.
    """

    def __init__(self, monitor: Monitor, say: Callable[[str], None], warn: Callable[[str, str], None]) -> None:
        self._monitor = monitor
        self._say = say
        self._warn = warn
        self._state: State = "insufficient"
        self._seen: object = None
        self._warned: set[str] = set()

    def look(self, now: datetime) -> None:
        """Judge the hour until now, and write its report if there is anything new in it."""
        end = _EPOCH - (_EPOCH - now) // _STEP * _STEP
        try:
            outcome = self._monitor.look(end - LENGTH, end)
            for failure in outcome.failures:
                self._warn_once(failure)
            report = outcome.report
            if (seen := _content(report)) != self._seen and (self._seen or report.window["requests"]):
                self._monitor.write(report)
                self._seen = seen
        except (SkyliftError, OSError) as error:
            self._warn_once(error)
            return
        if report.state != self._state and {report.state, self._state} & _ALARMING:
            self._say(_words(report, now))
        self._state = report.state

    def _warn_once(self, error: SkyliftError | OSError) -> None:
        from training.cli.console import message_and_hint

        message, hint = message_and_hint(error)
        if message not in self._warned:
            self._warned.add(message)
            self._warn(f"the monitor: {message}", hint)


def _content(report: Report) -> object:
    """What of a report does not change by the mere passing of time."""
    window = {name: value for name, value in report.window.items() if name not in {"from", "to"}}
    return report.version, window, report.counts, report.refused, report.live, report.labels


def _words(report: Report, now: datetime) -> str:
    shifts = [shift for shift in (*report.features, report.predictions) if shift.state == report.state]
    moved = [shift.moved[0] for shift in shifts if shift.moved] if report.state in _ALARMING else []
    told = f" ({'; '.join(moved[:2])})" if moved else ""
    return (
        f"{now:%H:%M:%S} UTC: {report.state}{told}, {report.window['rows']:,} rows of {report.version} in the last hour"
    )


def main() -> None:
    """Watch until stdin ends."""
    parser = argparse.ArgumentParser(prog="python -m training.cli.live_monitor")
    parser.add_argument("log", type=Path)
    parser.add_argument("url")
    parser.add_argument("--every", type=float, default=EVERY_SECONDS)
    arguments = parser.parse_args()
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches every process of the terminal: the parent ends this one
    end_with_stdin()
    if hasattr(os, "nice"):
        os.nice(_LOWER_PRIORITY)
    from skylift.monitoring.sources import LogFile
    from skylift.settings import RegistrySettings
    from training.cli.console import out, warn
    from training.cli.monitor import monitor_of

    # Hours that overlap nearly wholly are as one look: counted each, they would see next to nothing.
    monitor = monitor_of(RegistrySettings(), LogFile(arguments.log), every=LENGTH)

    def say(line: str) -> None:
        out.print(f"{line}: {arguments.url}/drift-status", markup=False, soft_wrap=True)

    watch = Watch(monitor, say, warn)
    while True:
        time.sleep(arguments.every)
        watch.look(datetime.now(UTC))


if __name__ == "__main__":
    main()
