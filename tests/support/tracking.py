"""MLflow as a test meets it: a real store in a folder of its own."""

import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from training.tracking.tracker import LOCAL_STORE, open_store


def empty_store(folder: Path) -> Path:
    """An MLflow database without runs: making one takes seconds, so tests copy it."""
    from mlflow import MlflowClient

    path = folder / "empty.db"
    open_store(f"sqlite:///{path}", stage="test", model="iris")  # MLflow's settings
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


def client_of(folder: Path) -> Any:
    """MLflow's own client of the local store in a folder."""
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{(folder / LOCAL_STORE).resolve()}")


def put_store(empty: Path, folder: Path) -> None:
    """Make an empty store the local one of a folder."""
    shutil.copy(empty, folder / LOCAL_STORE)


@contextmanager
def silenced_mlflow() -> Iterator[None]:
    """Import what imports MLflow, which warns about itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
