"""What the system says of this process."""

import os
import sys
from pathlib import Path

import pytest

from inference import process_state
from inference.process_state import ProcessorTime, resident_bytes, thread_count


def test_a_system_that_does_not_tell_gives_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(process_state, "_PROC", tmp_path / "proc")

    assert resident_bytes() is None
    assert thread_count() is None


def test_processor_time_is_that_since_the_reading_before(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = iter([(100.0, 7.0), (110.0, 12.0), (112.0, 16.0), (112.0, 16.0)])
    monkeypatch.setattr(process_state, "_clocks", lambda _: next(clocks))
    processor = ProcessorTime()

    assert [processor.percent() for _ in range(3)] == [50.0, 200.0, 0.0]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no /proc")
def test_what_several_use_is_added_up() -> None:
    one, parent = resident_bytes([os.getpid()]), resident_bytes([os.getppid()])
    both = resident_bytes([os.getpid(), os.getppid(), 4194305])

    assert one
    assert parent
    assert both
    assert both == pytest.approx(one + parent, rel=0.5)
    assert thread_count([os.getpid()]) == thread_count()
