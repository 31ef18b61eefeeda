"""Loading a version: from the image or S3, after every check, and refused before its model is read."""

from pathlib import Path

import pytest

from inference.loading import VersionLoader
from skylift.errors import IntegrityError, JoblibNotAllowed, UnservableModel
from skylift.image_cache import ImageCache, bake
from skylift.manifest import BASELINE_FILE, MODEL_FILE, Manifest
from skylift.observability import MetricPoint
from tests.support.fakes import MemoryStore
from tests.support.models import compiled_iris_package, iris_package


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def recorded() -> list[MetricPoint]:
    return []


def loader(
    store: MemoryStore, recorded: list[MetricPoint], *, allow_joblib: bool = True, image: ImageCache | None = None
) -> VersionLoader:
    return VersionLoader(store, image, max_instances=10, allow_joblib=allow_joblib, record=recorded.append)


def test_a_version_is_ready_to_answer(store: MemoryStore, recorded: list[MetricPoint]) -> None:
    reference = store.add(compiled_iris_package())

    model = loader(store, recorded).load(reference)

    assert (model.reference, model.schema.max_instances) == (reference, 10)
    assert model.profiler is not None
    assert recorded == []


def test_a_joblib_version_is_refused_where_it_may_not_be_loaded(
    store: MemoryStore, recorded: list[MetricPoint]
) -> None:
    reference = store.add(iris_package())

    with pytest.raises(JoblibNotAllowed):
        loader(store, recorded, allow_joblib=False).load(reference)


def test_a_manifest_can_be_refused_before_the_model_is_read(
    store: MemoryStore, recorded: list[MetricPoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = store.add(iris_package())
    read: list[str] = []
    monkeypatch.setattr(store, "artifact", lambda _, name: read.append(name))

    def refuse(manifest: Manifest) -> None:
        raise UnservableModel(f"{manifest.name} is too large")

    with pytest.raises(UnservableModel, match="v1 is too large"):
        loader(store, recorded).load(reference, check=refuse)

    assert read == []


def test_a_version_without_a_baseline_that_can_be_read_answers_without_profiles(
    store: MemoryStore, recorded: list[MetricPoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = store.add(compiled_iris_package())
    stored = store.artifact

    def artifact(manifest: Manifest, name: str) -> bytes:
        if name == BASELINE_FILE:
            raise IntegrityError("altered")
        return stored(manifest, name)

    monkeypatch.setattr(store, "artifact", artifact)

    assert loader(store, recorded).load(reference).profiler is None
    assert recorded == [MetricPoint("BaselineFailures")]


def test_a_version_in_the_image_needs_no_store(store: MemoryStore, recorded: list[MetricPoint], tmp_path: Path) -> None:
    package = compiled_iris_package()
    reference = store.add(package)
    version = store.resolve(reference)
    bake(version, package.artifacts.__getitem__, tmp_path)
    image = ImageCache(tmp_path, "iris")
    store.failure = IntegrityError("never asked")
    from_image = loader(store, recorded, image=image)

    assert from_image.baked == reference
    assert from_image.load(reference).reference == reference
    assert from_image.artifact(reference, version.manifest, MODEL_FILE) == package.artifacts[MODEL_FILE]


def test_without_an_image_nothing_is_baked(store: MemoryStore, recorded: list[MetricPoint]) -> None:
    assert loader(store, recorded).baked is None
