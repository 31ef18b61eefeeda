"""Fits on a Dask cluster, through joblib's own backend."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING, Any

import joblib

from skylift.errors import ConfigError
from training.extras import require
from training.search.fitting import Fit, Folds, Outcome, run_parallel

if TYPE_CHECKING:
    from distributed import Client

LOCAL = "local"

_CONNECT_SECONDS = 10
_NEEDED_ALIKE = ("scikit-learn", "numpy", "skylift")


class DaskRunner:
    """The workers of a cluster.

    If a worker dies, Dask gives its fits to another one, which already has the training rows.

    Parameters
    ----------
    client
        Client that is connected to the cluster.
    """

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._sent: Folds | None = None
        self._backend: Any = None

    def run(self, folds: Folds, fits: Sequence[Fit]) -> Generator[tuple[Fit, Outcome]]:
        """Run fits; see `Runner.run`."""
        if folds is not self._sent:
            with joblib.parallel_config(backend="dask", client=self._client, scatter=[folds]):
                self._backend, _ = joblib.parallel.get_active_backend()
            self._sent = folds
        return run_parallel(folds, fits, backend=self._backend, n_jobs=-1, batch_size=1, pre_dispatch="all")


@contextmanager
def dask_runner(address: str) -> Iterator[DaskRunner]:
    """Connect to a cluster that fits; see `connected`."""
    with connected(address) as client:
        yield DaskRunner(client)


@contextmanager
def connected(address: str, *packages: str) -> Iterator["Client"]:
    """Connect to a cluster.

    Parameters
    ----------
    address
        Address of the scheduler, for example `tcp://10.0.0.5:8786`; `local` starts one with a process for each core.
    packages
        What else the workers need in the release that is installed here.

    Raises
    ------
    ConfigError
        Dask is not installed, nobody answers at the address, or the workers cannot run what they are given.
    """
    require("distributed", purpose="--dask", extra="distributed")
    from distributed import Client, LocalCluster

    if address == LOCAL:
        with (
            LocalCluster(
                n_workers=joblib.cpu_count(), threads_per_worker=1, processes=True, dashboard_address=None
            ) as cluster,
            Client(cluster, set_as_default=False) as client,
        ):
            yield client
        return
    try:
        found = Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"no Dask scheduler answers at {address}",
            "check the address, for example tcp://10.0.0.5:8786, and that this machine may reach it; or --dask local",
        ) from error
    with found as client:
        check_workers(client, *packages)
        yield client


def check_workers(client: "Client", *packages: str) -> None:
    """Refuse workers that would come to other results than this machine, or to none.

    Parameters
    ----------
    packages
        What they need in the release that is installed here, beside what a fit needs.

    Raises
    ------
    ConfigError
        There is no worker, or a package is missing on one or of another version.
    """
    for package in (*_NEEDED_ALIKE, *packages):
        here = _here(package)
        try:
            there: dict[str, Any] = client.run(installed_version, package)
        except PackageNotFoundError as error:
            raise ConfigError(
                f"a Dask worker has no {package}", f"start the workers with {package} {here}; see docs/training.md"
            ) from error
        if not there:
            raise ConfigError("the Dask cluster has no worker", "start some, then try again")
        if others := sorted({str(found) for found in there.values()} - {here}):
            raise ConfigError(
                f"a Dask worker has {package} {', '.join(others)}, and {here} is installed here",
                "start the workers with the same requirements; see docs/training.md",
            )


def _here(package: str) -> str:
    return installed_version(package)
