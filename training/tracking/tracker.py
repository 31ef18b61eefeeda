"""Whether trainings are tracked in MLflow, and where; MLflow itself is imported only where they are.

What MLflow does comes after what training does, and its failures are `TrackingUnavailable`: the command line makes
warnings of them. A training with tracking ends as it would without.
"""

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic_settings import BaseSettings

from skylift.errors import AwsUnavailable, ConfigError
from skylift.references import Reference
from skylift.settings import RegistrySettings
from skylift.verification import Version
from training.tracking.records import LOCAL_SCHEME, Tracked, TrackingUnavailable, without_password

if TYPE_CHECKING:
    from training.job import Trained
    from training.tracking.mlflow_store import MlflowStore

LOCAL_STORE = Path("mlflow.db")
"""Where MLflow itself keeps runs when it is told of no server; its files go to `mlruns/` beside it."""

_OF_URLS = frozenset("?#%")
_BOUNDS = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "5", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
"""For a server that does not answer: MLflow's own wait is minutes. The user's own settings win."""

_QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
"""MLflow reports its use to its makers otherwise."""


class Tracker:
    """Tracks what a command did, or does nothing; what MLflow fails at is a warning.

    Parameters
    ----------
    store
        MLflow store; None if nothing is tracked.
    active
        Function that reads the reference in the pointer.
    warn
        Callback for a failure: what happened, and what to do about it.

    Attributes
    ----------
    tracked
        Place of the recorded training; None before, and if MLflow failed.
    """

    def __init__(
        self, store: "MlflowStore | None", active: Callable[[], Reference | None], warn: Callable[[str, str], None]
    ) -> None:
        self._store = store
        self._active = active
        self._warn = warn
        self.tracked: Tracked | None = None

    @property
    def on(self) -> bool:
        """Whether anything is tracked."""
        return self._store is not None

    def record(
        self, trained: "Trained", version: Version | None, files: Mapping[str, bytes], *, started: datetime
    ) -> None:
        """Record a training, and put the alias right, whatever happened since; see `MlflowStore.record`."""
        if self._store is None:
            return
        from training.tracking.described import Described

        described = (
            Described.of_version(version.manifest, trained.evaluation, data_path=trained.config.data.path)
            if version
            else Described.of_training(trained)
        )
        try:
            self.tracked = self._store.record(described, version, files, started=started)
            self._store.follow(self._active())
        except (TrackingUnavailable, AwsUnavailable) as error:
            later = f"; then: skylift track {version.reference.name}" if version and not self.tracked else ""
            self._warn(error.message, f"{error.hint}{later}")

    def follow(self) -> None:
        """Put MLflow's alias where the pointer is."""
        if self._store is None:
            return
        try:
            active = self._active()
            if self._store.follow(active) is None and active is not None:
                self._warn(
                    f"{active.name} is not in MLflow at {without_password(self._store.address)}, where no version is "
                    "champion now",
                    f"track it: skylift track {active.name}",
                )
        except (TrackingUnavailable, AwsUnavailable) as error:
            self._warn(error.message, error.hint)


class _Settings(BaseSettings):
    """Settings that every MLflow user knows."""

    mlflow_tracking_uri: str = ""


def store_address(wanted: bool | None, *, local_store_counts: bool = False) -> str | None:
    """Where to track; None where nothing is to be tracked.

    Parameters
    ----------
    wanted
        Choice of the user, if any. A server in `MLFLOW_TRACKING_URI` counts as a yes.
    local_store_counts
        Whether the local store of an earlier training counts as a yes: a promotion keeps it current.
    """
    if wanted is False:
        return None
    if wanted or _Settings().mlflow_tracking_uri or (local_store_counts and LOCAL_STORE.exists()):
        return default_address()
    return None


def default_address() -> str:
    """The server that `MLFLOW_TRACKING_URI` names, else the local store."""
    return _Settings().mlflow_tracking_uri or _local_address()


def _local_address() -> str:
    """Address of the local store: relative in a folder whose name has signs of a URL, which SQLAlchemy cannot quote."""
    whole = LOCAL_STORE.resolve().as_posix()
    return f"{LOCAL_SCHEME}{LOCAL_STORE if set(whole) & _OF_URLS else LOCAL_STORE.resolve()}"


def open_store(address: str, *, stage: str, model: str) -> "MlflowStore":
    """The store at an address, which is not asked anything yet.

    Raises
    ------
    ConfigError
        MLflow is not installed: the main job does without.
    """
    if find_spec("mlflow") is None:
        raise ConfigError(
            "tracking needs MLflow, which is not installed",
            "install it (`make .venv/.dev`, or pip install mlflow), or go without: --no-track",
        )
    os.environ.update(_QUIET)
    for name, value in _BOUNDS.items():
        os.environ.setdefault(name, value)
    from training.tracking.mlflow_store import MlflowStore

    return MlflowStore(address, stage=stage, model=model)


def tracker_for(
    settings: RegistrySettings,
    active: Callable[[], Reference | None],
    wanted: bool | None,
    warn: Callable[[str, str], None],
    *,
    local_store_counts: bool = False,
) -> Tracker:
    """A tracker as the user wants it; see `store_address`.

    Raises
    ------
    ConfigError
        It was asked for by name, and MLflow is not installed. Where a server is only named, this is a warning.
    """
    address = store_address(wanted, local_store_counts=local_store_counts)
    store = None
    if address is not None:
        try:
            store = open_store(address, stage=settings.stage, model=settings.model)
        except ConfigError as error:
            if wanted:
                raise
            warn(error.message, error.hint)
    return Tracker(store, active, warn)
