"""The model host with a version baked into the image: used in place of S3, and of AWS where that is out of reach."""

from functools import partial
from pathlib import Path

import pytest

from inference import host as host_module
from skylift.errors import AwsUnavailable, IntegrityError, InvalidReference, ModelNotReady
from skylift.image_cache import ImageCache, bake
from skylift.manifest import MANIFEST_FILE, MODEL_FILE
from skylift.references import Reference
from tests.support.fakes import HostHarness, MemoryStore, wrong_golden
from tests.support.models import changed, iris_package
from tests.support.waiting import TIMES_OUT
from training.release.packaging import Package

SSM_DOWN = AwsUnavailable("reading the pointer failed (ConnectTimeoutError)", "try again")
S3_DOWN = AwsUnavailable("reading v2 failed (ConnectTimeoutError)", "try again")


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests wait for a refresh until it is done, however slow the machine is."""
    monkeypatch.setattr(host_module, "REQUEST_WAIT_SECONDS", TIMES_OUT)
    monkeypatch.setattr(host_module, "FIRST_WAIT_SECONDS", TIMES_OUT)


def harness_with(folder: Path, package: Package | None = None) -> tuple[HostHarness, Reference]:
    """A host whose image holds v1, which the store has as well; and v1's reference."""
    store = MemoryStore()
    reference = store.add(package or iris_package())
    version = store.resolve(reference)
    bake(version, partial(store.artifact, version.manifest), folder)
    store.fetches.clear()
    return HostHarness(store=store, image=ImageCache(folder, "iris")), reference


@pytest.fixture
def harness(tmp_path: Path) -> HostHarness:
    """A host that was not started, whose image holds v1; the pointer names nothing."""
    return harness_with(tmp_path)[0]


@pytest.fixture
def baked(harness: HostHarness) -> Reference:
    """v1."""
    assert harness.image is not None
    newest = harness.image.newest()
    assert newest is not None
    return newest


def file_of(folder: Path, name: str) -> Path:
    """A file of the baked version."""
    (found,) = folder.glob(f"iris/v1-*/{name}")
    return found


def refusal(harness: HostHarness) -> str:
    """Why no model is loaded, as the log says it; a request is told the code alone."""
    with pytest.raises(ModelNotReady) as refused:
        harness.ask()
    problem = harness.host.problem
    assert problem is not None
    assert str(refused.value) == f"no model is ready ({problem.code}): try again shortly"
    return problem.message


class TestInPlaceOfS3:
    def test_a_baked_version_that_the_pointer_names_is_served_without_s3(
        self, harness: HostHarness, baked: Reference
    ) -> None:
        harness.pointer.holds = baked
        harness.store.failure = S3_DOWN

        harness.host.wait_until_loaded()

        assert harness.ask().reference == baked
        assert harness.store.fetches == []

    def test_it_is_the_active_version_so_nothing_is_wrong(self, harness: HostHarness, baked: Reference) -> None:
        harness.pointer.holds = baked

        harness.host.wait_until_loaded()

        assert harness.host.degradation is None

    def test_a_version_that_was_not_baked_comes_from_s3(self, harness: HostHarness) -> None:
        reference = harness.activate(iris_package("tree"))

        assert harness.ask().reference == reference
        assert harness.store.fetches == ["v2"]

    def test_a_pointer_that_moves_to_the_baked_version_needs_no_s3(
        self, harness: HostHarness, baked: Reference
    ) -> None:
        harness.activate(iris_package("tree"))
        harness.ask()
        harness.store.fetches.clear()

        harness.pointer.holds = baked

        assert harness.pass_refresh().reference == baked
        assert harness.store.fetches == []

    def test_a_version_of_the_same_number_and_another_digest_is_not_the_baked_one(
        self, harness: HostHarness, baked: Reference
    ) -> None:
        harness.pointer.holds = Reference(baked.number, "0" * 64)

        harness.host.wait_until_loaded()

        assert harness.store.fetches == ["v1"]
        assert harness.host.model is None


class TestWithoutTheRegistry:
    def test_without_ssm_at_start_the_baked_version_serves(self, harness: HostHarness, baked: Reference) -> None:
        harness.pointer.holds = SSM_DOWN

        harness.host.wait_until_loaded()

        assert harness.ask().reference == baked
        assert harness.store.fetches == []

    def test_the_service_says_that_the_pointer_could_not_be_read(self, harness: HostHarness) -> None:
        harness.pointer.holds = SSM_DOWN

        harness.host.wait_until_loaded()

        assert harness.host.degradation is not None
        assert harness.host.degradation.message == SSM_DOWN.message

    def test_the_start_counts_a_failed_refresh_and_a_load(self, harness: HostHarness) -> None:
        harness.pointer.holds = SSM_DOWN

        harness.host.wait_until_loaded()

        names = [event.name for event in harness.host.drain_events()]
        assert names == ["RefreshFailures", "ModelLoads", "ModelLoadSeconds"]

    def test_without_s3_at_start_the_baked_version_serves(self, harness: HostHarness, baked: Reference) -> None:
        harness.activate(iris_package("tree"))
        harness.store.failure = S3_DOWN

        harness.host.wait_until_loaded()

        assert harness.ask().reference == baked

    def test_the_service_says_which_version_could_not_be_fetched(self, harness: HostHarness) -> None:
        wanted = harness.activate(iris_package("tree"))
        harness.store.failure = S3_DOWN

        harness.host.wait_until_loaded()

        assert harness.host.degradation is not None
        assert (harness.host.degradation.message, harness.host.degradation.reference) == (S3_DOWN.message, wanted)

    def test_once_ssm_is_back_the_active_version_serves_without_a_restart(self, harness: HostHarness) -> None:
        active = harness.activate(iris_package("tree"))
        harness.pointer.holds = SSM_DOWN
        harness.host.wait_until_loaded()

        harness.pointer.holds = active

        assert harness.pass_refresh().reference == active
        assert harness.host.degradation is None

    def test_once_s3_is_back_the_active_version_serves_without_a_restart(self, harness: HostHarness) -> None:
        active = harness.activate(iris_package("tree"))
        harness.store.failure = S3_DOWN
        harness.host.wait_until_loaded()

        harness.store.failure = None

        assert harness.pass_refresh().reference == active
        assert harness.host.degradation is None

    def test_once_ssm_is_back_and_names_the_baked_version_nothing_is_wrong(
        self, harness: HostHarness, baked: Reference
    ) -> None:
        harness.pointer.holds = SSM_DOWN
        harness.host.wait_until_loaded()
        loaded = harness.host.model

        harness.pointer.holds = baked

        assert harness.pass_refresh() is loaded
        assert harness.host.degradation is None

    def test_while_aws_stays_away_the_baked_version_is_loaded_once_and_the_problem_keeps_its_beginning(
        self, harness: HostHarness
    ) -> None:
        harness.pointer.holds = SSM_DOWN
        harness.host.wait_until_loaded()
        loaded, problem = harness.host.model, harness.host.degradation

        for _ in range(3):
            assert harness.pass_refresh() is loaded

        assert harness.host.degradation is problem

    def test_the_newest_of_several_baked_versions_serves(self, tmp_path: Path) -> None:
        store = MemoryStore()
        for package in (iris_package(), iris_package("tree")):
            version = store.resolve(store.add(package))
            bake(version, partial(store.artifact, version.manifest), tmp_path)
        harness = HostHarness(store=store, image=ImageCache(tmp_path, "iris"))
        harness.pointer.holds = SSM_DOWN

        assert harness.ask().reference.name == "v2"


class TestNotUsed:
    def test_where_a_model_is_in_place_it_stays_without_ssm(self, harness: HostHarness) -> None:
        active = harness.activate(iris_package("tree"))
        harness.host.wait_until_loaded()

        harness.pointer.holds = SSM_DOWN

        assert harness.pass_refresh().reference == active

    def test_where_a_model_is_in_place_it_stays_without_s3(self, harness: HostHarness) -> None:
        active = harness.activate(iris_package("tree"))
        harness.host.wait_until_loaded()
        harness.activate(changed(iris_package(), selected="other"))
        harness.store.failure = S3_DOWN

        assert harness.pass_refresh().reference == active

    @pytest.mark.parametrize(
        "package",
        [
            lambda: changed(iris_package("tree"), golden=wrong_golden()),
            lambda: changed(iris_package("tree"), environment={"scikit-learn": "0.1"}),
            lambda: Package(iris_package("tree").describe, {MODEL_FILE: b"no pickle"}),
        ],
        ids=["golden requests scored otherwise", "another scikit-learn", "no pickle"],
    )
    def test_an_active_version_that_may_not_serve_is_not_replaced_by_an_older_one(
        self, harness: HostHarness, package: object
    ) -> None:
        assert callable(package)
        harness.activate(package())

        harness.host.wait_until_loaded()

        with pytest.raises(ModelNotReady):
            harness.ask()

    def test_an_active_version_whose_bytes_were_altered_is_not_replaced_by_an_older_one(
        self, harness: HostHarness
    ) -> None:
        harness.activate(iris_package("tree"))
        harness.store.failure = IntegrityError("the manifest of v2 does not have the digest that the reference names")

        harness.host.wait_until_loaded()

        assert "the manifest of v2 does not have the digest" in refusal(harness)

    @pytest.mark.parametrize("holds", [None, InvalidReference("'junk' is not a reference")])
    def test_a_pointer_that_names_no_version_is_answered_with_none(
        self, harness: HostHarness, holds: InvalidReference | None
    ) -> None:
        harness.pointer.holds = holds

        harness.host.wait_until_loaded()

        with pytest.raises(ModelNotReady):
            harness.ask()

    def test_where_nothing_was_baked_there_is_no_model_without_ssm(self, tmp_path: Path) -> None:
        harness = HostHarness(image=ImageCache(tmp_path, "iris"))
        harness.pointer.holds = SSM_DOWN

        harness.host.wait_until_loaded()

        assert "reading the pointer failed" in refusal(harness)


class TestBrokenImage:
    @pytest.mark.parametrize("name", [MODEL_FILE, MANIFEST_FILE])
    def test_an_altered_file_is_refused_without_ssm_and_both_reasons_are_told(self, tmp_path: Path, name: str) -> None:
        harness, _ = harness_with(tmp_path)
        file_of(tmp_path, name).write_bytes(b"altered")
        harness.pointer.holds = SSM_DOWN

        harness.host.wait_until_loaded()

        told = refusal(harness)
        assert "reading the pointer failed (ConnectTimeoutError); " in told
        assert "of v1 does not have the digest" in told

    def test_a_missing_file_is_told(self, tmp_path: Path) -> None:
        harness, _ = harness_with(tmp_path)
        file_of(tmp_path, MODEL_FILE).unlink()
        harness.pointer.holds = SSM_DOWN

        harness.host.wait_until_loaded()

        assert "model.joblib of v1 is missing in the image" in refusal(harness)

    def test_a_baked_version_of_another_scikit_learn_is_told(self, tmp_path: Path) -> None:
        harness, _ = harness_with(tmp_path, changed(iris_package(), environment={"scikit-learn": "0.1"}))
        harness.pointer.holds = SSM_DOWN

        harness.host.wait_until_loaded()

        assert "v1 was trained by scikit-learn 0.1" in refusal(harness)

    def test_a_broken_baked_version_counts_as_a_failed_load(self, tmp_path: Path) -> None:
        harness, _ = harness_with(tmp_path)
        file_of(tmp_path, MODEL_FILE).unlink()
        harness.pointer.holds = SSM_DOWN

        harness.host.wait_until_loaded()

        assert harness.count("ModelLoadFailures") == 1

    def test_a_broken_baked_version_that_the_pointer_names_is_refused(self, tmp_path: Path) -> None:
        harness, reference = harness_with(tmp_path)
        file_of(tmp_path, MODEL_FILE).write_bytes(b"altered")
        harness.pointer.holds = reference

        harness.host.wait_until_loaded()

        assert "model.joblib of v1 does not have the digest" in refusal(harness)

    def test_a_broken_image_does_not_keep_the_active_version_from_serving_once_ssm_is_back(
        self, tmp_path: Path
    ) -> None:
        harness, _ = harness_with(tmp_path)
        file_of(tmp_path, MODEL_FILE).unlink()
        active = harness.activate(iris_package("tree"))
        harness.pointer.holds = SSM_DOWN
        harness.host.wait_until_loaded()

        harness.pointer.holds = active

        assert harness.pass_refresh().reference == active
        assert harness.host.degradation is None
