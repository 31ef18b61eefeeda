"""The benchmark of refusals."""

import json
import sys

import pytest

from benchmarks.refusals import ask, names_of


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
@pytest.mark.parametrize(("names", "status"), [(names_of(4), 200), (names_of(3), 422)])
def test_a_body_is_measured_with_its_status(names: list[str], status: int) -> None:
    figures = ask(4, json.dumps(dict.fromkeys(names, 1)).encode(), answered=True)

    assert figures["status"] == status
    assert figures["milliseconds"] > 0
    assert figures["mib"] > 0
