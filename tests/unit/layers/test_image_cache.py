"""The image cache: what was baked is found again, checked like any other version, and nothing else is touched."""

from pathlib import Path

import pytest

from skylift.errors import IntegrityError
from skylift.image_cache import ImageCache, bake
from skylift.manifest import BASELINE_FILE, MANIFEST_FILE, MODEL_FILE, reference_to
from skylift.references import Reference
from skylift.verification import Version
from tests.support.manifests import draft


def _baked(folder: Path, number: int = 1, *, model: str = "iris", content: bytes = b"a model") -> Reference:
    version = _version(number, model=model, content=content)
    bake(version, draft(content).artifacts.__getitem__, folder)
    return version.reference


def _version(number: int = 1, *, model: str = "iris", content: bytes = b"a model") -> Version:
    manifest = draft(content, model=model).describe(number)
    body = manifest.to_bytes()
    return Version(reference_to(number, body), manifest, body)


def _place(folder: Path, reference: Reference) -> Path:
    return folder / "iris" / f"{reference.name}-{reference.digest}"


class TestBaking:
    def test_a_version_is_written_into_a_folder_named_by_its_digest(self, tmp_path: Path) -> None:
        version = _version(7)

        place = bake(version, draft().artifacts.__getitem__, tmp_path)

        assert place == tmp_path / "iris" / f"v7-{version.reference.digest}"
        assert {file.name: file.read_bytes() for file in place.iterdir()} == {
            **draft().artifacts,
            MANIFEST_FILE: version.body,
        }

    def test_baking_twice_changes_nothing(self, tmp_path: Path) -> None:
        assert _baked(tmp_path) == _baked(tmp_path)

        assert len(list((tmp_path / "iris").iterdir())) == 1

    def test_the_folder_is_made_where_it_is_not_there(self, tmp_path: Path) -> None:
        reference = _baked(tmp_path / "not" / "there")

        assert reference in ImageCache(tmp_path / "not" / "there", "iris")

    def test_a_file_that_cannot_be_read_leaves_no_manifest(self, tmp_path: Path) -> None:
        def read(name: str) -> bytes:
            raise IntegrityError(f"{name} is altered")

        with pytest.raises(IntegrityError):
            bake(_version(), read, tmp_path)

        assert list(tmp_path.rglob(MANIFEST_FILE)) == []


class TestFinding:
    def test_a_baked_version_is_found(self, tmp_path: Path) -> None:
        reference = _baked(tmp_path)

        cache = ImageCache(tmp_path, "iris")

        assert reference in cache
        assert cache.newest() == reference

    def test_it_gives_what_was_baked(self, tmp_path: Path) -> None:
        reference = _baked(tmp_path, 7)
        cache = ImageCache(tmp_path, "iris")

        version = cache.resolve(reference)

        assert version == _version(7)
        assert cache.artifact(reference, version.manifest, MODEL_FILE) == b"a model"

    def test_the_newest_is_the_one_with_the_highest_number(self, tmp_path: Path) -> None:
        for number in (2, 10, 9):
            _baked(tmp_path, number)

        newest = ImageCache(tmp_path, "iris").newest()

        assert newest is not None
        assert newest.name == "v10"

    def test_the_same_number_with_another_digest_is_another_version(self, tmp_path: Path) -> None:
        _baked(tmp_path)

        assert _version(content=b"another").reference not in ImageCache(tmp_path, "iris")

    def test_versions_of_other_models_are_not_found(self, tmp_path: Path) -> None:
        reference = _baked(tmp_path, model="wine")

        assert reference not in ImageCache(tmp_path, "iris")
        assert reference in ImageCache(tmp_path, "wine")

    @pytest.mark.parametrize("made", [True, False], ids=["an empty folder", "no folder"])
    def test_where_nothing_was_baked_nothing_is_found(self, tmp_path: Path, made: bool) -> None:
        folder = tmp_path / "cache"
        if made:
            folder.mkdir()

        cache = ImageCache(folder, "iris")

        assert cache.newest() is None
        assert _version().reference not in cache

    def test_a_file_in_place_of_the_folder_holds_no_version(self, tmp_path: Path) -> None:
        (tmp_path / "cache").write_text("no folder", encoding="utf-8")

        assert ImageCache(tmp_path / "cache", "iris").newest() is None

    @pytest.mark.parametrize(
        "name",
        ["v1-latest", "v-", "v0-" + "0" * 64, "v01-" + "0" * 64, "v1-" + "F" * 64, "v1-" + "0" * 63, "vendor-files"],
    )
    def test_folders_of_other_names_are_left_alone(self, tmp_path: Path, name: str) -> None:
        reference = _baked(tmp_path)
        (tmp_path / "iris" / name).mkdir()

        assert ImageCache(tmp_path, "iris").newest() == reference


class TestChecking:
    @pytest.mark.parametrize("data", [b"", b"a mode", b"A model", b"a model and more"])
    def test_an_altered_or_truncated_file_is_refused(self, tmp_path: Path, data: bytes) -> None:
        reference = _baked(tmp_path)
        (_place(tmp_path, reference) / MODEL_FILE).write_bytes(data)
        cache = ImageCache(tmp_path, "iris")

        with pytest.raises(IntegrityError, match=r"model\.joblib of v1 does not have the digest"):
            cache.artifact(reference, cache.resolve(reference).manifest, MODEL_FILE)

    def test_an_altered_file_does_not_spoil_the_others(self, tmp_path: Path) -> None:
        reference = _baked(tmp_path)
        (_place(tmp_path, reference) / MODEL_FILE).write_bytes(b"altered")
        cache = ImageCache(tmp_path, "iris")

        assert cache.artifact(reference, cache.resolve(reference).manifest, BASELINE_FILE) == b"{}"

    def test_a_missing_file_is_named_with_what_to_do(self, tmp_path: Path) -> None:
        reference = _baked(tmp_path)
        (_place(tmp_path, reference) / MODEL_FILE).unlink()
        cache = ImageCache(tmp_path, "iris")

        with pytest.raises(IntegrityError, match=r"model\.joblib of v1 is missing in the image") as caught:
            cache.artifact(reference, cache.resolve(reference).manifest, MODEL_FILE)

        assert caught.value.hint == "build the image again"

    def test_a_file_that_the_manifest_does_not_list_is_refused_though_it_is_there(self, tmp_path: Path) -> None:
        reference = _baked(tmp_path)
        (_place(tmp_path, reference) / "extra").write_bytes(b"extra")
        cache = ImageCache(tmp_path, "iris")

        with pytest.raises(IntegrityError, match="v1 has no extra"):
            cache.artifact(reference, cache.resolve(reference).manifest, "extra")

    @pytest.mark.parametrize("cut", [0, -1, 10])
    def test_a_truncated_manifest_is_refused(self, tmp_path: Path, cut: int) -> None:
        reference = _baked(tmp_path)
        path = _place(tmp_path, reference) / MANIFEST_FILE
        path.write_bytes(path.read_bytes()[:cut])

        with pytest.raises(IntegrityError, match="the manifest of v1 does not have the digest"):
            ImageCache(tmp_path, "iris").resolve(reference)

    def test_a_missing_manifest_is_refused(self, tmp_path: Path) -> None:
        reference = _baked(tmp_path)
        (_place(tmp_path, reference) / MANIFEST_FILE).unlink()

        with pytest.raises(IntegrityError, match=r"manifest\.json of v1 is missing in the image"):
            ImageCache(tmp_path, "iris").resolve(reference)

    def test_a_file_in_place_of_a_version_is_refused(self, tmp_path: Path) -> None:
        reference = _version().reference
        _place(tmp_path, reference).parent.mkdir()
        _place(tmp_path, reference).write_bytes(b"no folder")

        with pytest.raises(IntegrityError, match="is missing in the image"):
            ImageCache(tmp_path, "iris").resolve(reference)

    def test_a_folder_under_the_digest_of_another_version_is_refused(self, tmp_path: Path) -> None:
        first, second = _baked(tmp_path), _baked(tmp_path, 2)
        (_place(tmp_path, first) / MANIFEST_FILE).write_bytes((_place(tmp_path, second) / MANIFEST_FILE).read_bytes())

        with pytest.raises(IntegrityError, match="the manifest of v1 does not have the digest"):
            ImageCache(tmp_path, "iris").resolve(first)
