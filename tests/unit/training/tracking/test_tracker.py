"""Whether trainings are tracked, where, and that MLflow's failures stay its own."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from skylift.errors import AwsUnavailable, ConfigError
from skylift.references import Reference
from tests.support.models import trained_iris
from training.tracking import tracker as tracking
from training.tracking.records import Tracked, TrackingUnavailable
from training.tracking.tracker import LOCAL_STORE, Tracker, open_store, store_address

REFERENCE = Reference(7, "0" * 64)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class TestStoreAddress:
    def test_nothing_is_tracked_unless_somebody_wants_it(self) -> None:
        assert store_address(None) is None

    def test_what_is_wanted_is_tracked_in_a_local_store(self, tmp_path: Path) -> None:
        assert store_address(True) == f"sqlite:///{tmp_path}/mlflow.db"

    def test_a_folder_whose_name_has_signs_of_a_url_has_its_store_inside(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "what #1?").mkdir()
        monkeypatch.chdir(tmp_path / "what #1?")

        assert store_address(True) == "sqlite:///mlflow.db"

    @pytest.mark.parametrize("wanted", [None, True])
    def test_who_names_a_server_wants_it_there(self, monkeypatch: pytest.MonkeyPatch, wanted: bool | None) -> None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example")

        assert store_address(wanted) == "http://mlflow.example"

    def test_no_wins_over_a_named_server(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example")

        assert store_address(False, local_store_counts=True) is None

    def test_a_local_store_of_an_earlier_training_is_kept_true_by_those_who_ask_for_it(self, tmp_path: Path) -> None:
        LOCAL_STORE.touch()

        assert store_address(None, local_store_counts=True) == f"sqlite:///{tmp_path}/mlflow.db"
        assert store_address(None) is None


class TestOpenStore:
    def test_without_mlflow_the_way_to_it_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tracking, "find_spec", lambda _: None)

        with pytest.raises(ConfigError, match=r"MLflow, which is not installed: install it .*--no-track"):
            open_store("sqlite:///mlflow.db", stage="test", model="iris")

    def test_mlflow_tells_its_makers_nothing_and_waits_for_seconds_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK", "MLFLOW_HTTP_REQUEST_TIMEOUT"):
            monkeypatch.setenv(name, "")
            monkeypatch.delenv(name)
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "4")

        open_store("sqlite:///mlflow.db", stage="test", model="iris")

        assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == os.environ["DO_NOT_TRACK"] == "true"
        assert int(os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"]) <= 5
        assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "4", "the user's own setting wins"


class Store:
    """Takes everything, or fails at it."""

    address = "http://mlflow.example"

    def __init__(self, *, known: bool = True, failure: Exception | None = None) -> None:
        self.known = known
        self.failure = failure
        self.followed: list[Reference | None] = []

    def record(self, *_: Any, **__: Any) -> Tracked:
        if self.failure:
            raise self.failure
        return Tracked(self.address, "r1", "test.iris version 1")

    def follow(self, active: Reference | None) -> str | None:
        if self.failure:
            raise self.failure
        self.followed.append(active)
        return "test.iris version 1" if self.known else None


def tracker_of(store: Store | None, said: list[tuple[str, str]], active: Reference | None = REFERENCE) -> Tracker:
    return Tracker(cast("Any", store), lambda: active, lambda message, hint: said.append((message, hint)))


class TestTracker:
    def test_without_a_store_it_does_nothing(self) -> None:
        said: list[tuple[str, str]] = []
        tracker = tracker_of(None, said)

        tracker.record(trained_iris(), None, {}, started=datetime.now(UTC))
        tracker.follow()

        assert (tracker.on, tracker.tracked, said) == (False, None, [])

    def test_a_training_is_recorded_and_the_alias_put_right(self) -> None:
        store, said = Store(), list[tuple[str, str]]()
        tracker = tracker_of(store, said)

        tracker.record(trained_iris(), None, {}, started=datetime.now(UTC))

        assert str(tracker.tracked) == "run r1, test.iris version 1 in http://mlflow.example"
        assert store.followed == [REFERENCE]
        assert said == []

    @pytest.mark.parametrize(
        "failure", [TrackingUnavailable("it failed", "fix it"), AwsUnavailable("it failed", "fix it")]
    )
    def test_a_failure_is_a_warning(self, failure: Exception) -> None:
        said: list[tuple[str, str]] = []
        tracker = tracker_of(Store(failure=failure), said)

        tracker.record(trained_iris(), None, {}, started=datetime.now(UTC))
        tracker.follow()

        assert said == [("it failed", "fix it")] * 2
        assert tracker.tracked is None

    def test_an_active_version_that_was_not_tracked_is_told(self) -> None:
        said: list[tuple[str, str]] = []

        tracker_of(Store(known=False), said).follow()

        ((message, hint),) = said
        assert message.startswith("v7 is not in MLflow at http://mlflow.example")
        assert hint == "track it: skylift track v7"

    def test_before_the_first_promotion_there_is_nothing_to_tell(self) -> None:
        said: list[tuple[str, str]] = []

        tracker_of(Store(known=False), said, active=None).follow()

        assert said == []
