"""What several processes do at once, each of which imports packages for seconds: a Dask cluster, MLflow's tables."""

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.tables import LOGISTIC, config_of, mixed
from tests.support.waiting import TIMES_OUT
from training.job import train
from training.search.dask_cluster import dask_runner
from training.search.meter import State

FOREST = {
    "name": "forest",
    "estimator": "sklearn.ensemble.RandomForestClassifier",
    "search": {"strategy": "random", "iterations": 3, "parameters": {"max_depth": {"low": 2, "high": 9}}},
    "params": {"n_estimators": 10},
}


# distributed's own threads and sockets end a little after its context managers do
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::UserWarning")
def test_a_dask_worker_killed_midway_changes_nothing_of_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("joblib.cpu_count", lambda: 2)
    (tmp_path / "table.csv").write_text(mixed(count=120), encoding="utf-8")
    config = config_of(tmp_path / "table.csv", target="churned", candidates=[FOREST, LOGISTIC])
    told: list[State] = []

    with dask_runner("local") as runner:
        workers = runner._client.run(os.getpid)

        def watch(state: State) -> None:
            told.append(state)
            if len(told) == 10:
                os.kill(next(iter(workers.values())), signal.SIGKILL)

        spread = train(config, runner=runner, watch=watch)
    alone = train(config)

    assert len(workers) == 2
    assert [state.done for state in told] == list(range(1, told[-1].planned + 1)), "every fit came back, once"
    assert spread.leaderboard == alone.leaderboard
    assert spread.evaluation == alone.evaluation


OPENS = """
import sys
from training.tracking.tracker import open_store, store_address
store = open_store(store_address(True), stage="test", model="iris")
print("ready", flush=True)
sys.stdin.readline()
store.follow(None)
"""


def test_processes_that_open_a_new_local_store_of_mlflow_at_once_all_have_it(tmp_path: Path) -> None:
    with ExitStack() as stack:
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        openers = [
            stack.enter_context(subprocess.Popen([sys.executable, "-c", OPENS], cwd=tmp_path, **pipes))
            for _ in range(2)
        ]
        for opener in openers:
            assert opener.stdout is not None
            assert opener.stdout.readline().strip() == b"ready"
        for opener in openers:
            assert opener.stdin is not None
            opener.stdin.write(b"\n")
            opener.stdin.flush()
        errors = [opener.communicate(timeout=TIMES_OUT)[1].decode() for opener in openers]

    assert [opener.returncode for opener in openers] == [0, 0], errors
