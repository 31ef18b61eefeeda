"""The same search on a Dask cluster of two workers, one of which leaves; `tests/e2e` kills a process."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skylift.errors import ConfigError
from tests.support.ports import free_port
from tests.support.tables import LOGISTIC, config_of, mixed
from training.job import train
from training.search import dask_cluster
from training.search.dask_cluster import DaskRunner, dask_runner
from training.search.meter import State

FOREST = {
    "name": "forest",
    "estimator": "sklearn.ensemble.RandomForestClassifier",
    "search": {"strategy": "random", "iterations": 2, "parameters": {"max_depth": {"low": 2, "high": 9}}},
    "params": {"n_estimators": 3},
}

# distributed's own threads and sockets end a little after its context managers do
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Of a cluster in this process: others would import scikit-learn for seconds."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,
        Client(cluster, set_as_default=False) as connected,
    ):
        yield connected


def connect(address: str) -> None:
    with dask_runner(address):
        pass


def test_a_worker_that_leaves_midway_changes_nothing_of_the_result(tmp_path: Path, client: Any) -> None:
    (tmp_path / "table.csv").write_text(mixed(count=120), encoding="utf-8")
    config = config_of(tmp_path / "table.csv", target="churned", candidates=[FOREST, LOGISTIC])
    workers = client.cluster.workers
    told: list[State] = []

    def watch(state: State) -> None:
        told.append(state)
        if len(told) == 10:
            client.sync(workers[0].close)

    alone = train(config)
    spread = train(config, runner=DaskRunner(client), watch=watch)

    assert len(client.scheduler_info()["workers"]) == 1
    assert [state.done for state in told] == list(range(1, told[-1].planned + 1)), "every fit came back, once"
    assert spread.leaderboard == alone.leaderboard
    assert spread.evaluation == alone.evaluation


def test_an_address_is_connected_to(client: Any) -> None:
    with dask_runner(client.scheduler.address) as runner:
        assert isinstance(runner, DaskRunner)


def test_workers_with_another_scikit_learn_are_refused(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_cluster, "_NEEDED_ALIKE", ("scikit-learn",))
    monkeypatch.setattr(dask_cluster, "_here", lambda package: "0.1")

    with pytest.raises(ConfigError, match=r"a Dask worker has scikit-learn .*, and 0\.1 is installed here"):
        dask_cluster.check_workers(client)


def test_workers_without_a_package_are_refused(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_cluster, "_NEEDED_ALIKE", ("no-such-package",))
    monkeypatch.setattr(dask_cluster, "_here", lambda package: "1.0")

    with pytest.raises(ConfigError, match="a Dask worker has no no-such-package: start the workers with"):
        dask_cluster.check_workers(client)


def test_nobody_at_the_address_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_cluster, "_CONNECT_SECONDS", 1)
    address = f"tcp://127.0.0.1:{free_port()}"

    with (
        pytest.raises(ConfigError, match=f"no Dask scheduler answers at {address}: check the address"),
        dask_runner(address),
    ):
        pass


def test_without_dask_the_way_to_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)

    with (
        pytest.raises(ConfigError, match=r"--dask needs distributed, which is not installed here: install the extra"),
        dask_runner("local"),
    ):
        pass
