"""The plain server while everything happens to it that may, and the manifests that run it on Kubernetes."""

import json
import os
import re
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.rollovers import Server, run
from tests.e2e.conftest import Say
from tests.support.models import IRIS_SETOSA, compiled_iris_package
from tests.support.moto_server import MotoServer
from tests.support.paths import ROOT
from tests.support.processes import lives
from tests.support.waiting import TIMES_OUT, wait_until

MANIFESTS = ROOT / "deploy" / "kubernetes"
REQUESTS = 3000


def test_no_request_fails_while_servers_end_workers_die_versions_change_and_the_registry_is_away(
    tmp_path: Path, say: Say
) -> None:
    outcome = run(REQUESTS, tmp_path, lambda line: say(f"  {line}"))

    assert outcome.failures == []
    assert outcome.total >= REQUESTS
    assert set(outcome.answers) == {"200 v1", "200 v2"}
    assert set(outcome.events) == {
        "worker killed",
        "version changed",
        "workers renewed",
        "server rolled over",
        "registry away",
    }
    log = (tmp_path / "servers.log").read_text(encoding="utf-8")
    assert "Traceback" not in log


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server with two workers, which would take a minute to end."""
    with MotoServer() as aws, (tmp_path / "server.log").open("wb") as log:
        package = compiled_iris_package()
        aws.registry.promote(aws.registry.publish(package.describe, package.artifacts).reference)
        variables = {"PATH": "/usr/bin:/bin", "SKYLIFT_DRAIN_SECONDS": "60"}
        started = Server(variables | aws.environment, log)
        try:
            wait_until(lambda: started.is_ready, what="it is ready")
            yield started
        finally:
            started.kill()
            started.wait()


def test_one_answer_of_metrics_counts_for_all_workers_and_outlives_them(server: Server) -> None:
    for _ in range(20):
        _predict(server.port)
    # A request is counted once its answer is sent, and here two processes run at once.
    wait_until(lambda: _counted(server.port) == 20, what="all requests are counted")
    before = server.workers()
    assert len(before) == 2
    os.kill(before[0], signal.SIGKILL)
    wait_until(lambda: len(set(server.workers()) - {before[0]}) == 2, what="another serves")
    for _ in range(5):
        _predict(server.port)

    wait_until(lambda: _counted(server.port) == 25, what="those of the new worker are counted with them")


def test_a_second_sigterm_ends_all_at_once(server: Server) -> None:
    server.terminate()
    wait_until(lambda: not server.is_ready, what="it is not ready any more")
    _predict(server.port)  # which is still answered

    server.terminate()

    assert server.wait() == 0


def test_workers_end_with_the_process_that_started_them(server: Server) -> None:
    workers = server.workers()

    server.kill()

    wait_until(lambda: not server.is_ready, what="the workers drain")
    for worker in workers:
        os.kill(worker, signal.SIGTERM)
    wait_until(lambda: not any(map(lives, workers)), what="the workers have ended")


def _predict(port: int) -> None:
    body = json.dumps({"instances": [IRIS_SETOSA]}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/predict", body, {"content-type": "application/json", "connection": "close"}
    )
    with urllib.request.urlopen(request, timeout=TIMES_OUT) as response:
        assert response.status == 200


def _counted(port: int) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=TIMES_OUT) as response:
        text = response.read().decode()
    return sum(float(value) for value in re.findall(r"^ml_predictions_total\{.*\} (\S+)$", text, re.MULTILINE))


def test_the_manifests_for_kubernetes_are_valid() -> None:
    checked = subprocess.run(
        [ROOT / "build" / "clients" / "bin" / "kubernetes-validate", "--strict", MANIFESTS / "skylift.yaml"],
        capture_output=True,
        text=True,
        timeout=TIMES_OUT,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
