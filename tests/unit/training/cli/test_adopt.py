"""`skylift adopt`: from a model file to a published version, or to a folder."""

from pathlib import Path

import pytest

from skylift.registry import Registry
from tests.support.commands import done, refused
from tests.support.elsewhere import fitted, one_hot, stored
from tests.support.tables import mixed, write_project
from training.release.folder import read_version_file


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stored(fitted(one_hot()), tmp_path_factory.mktemp("model"))


def project(folder: Path) -> Path:
    return write_project(folder, mixed(), target={"column": "churned"})


def test_a_model_is_published_shown_and_promoted(
    tmp_path: Path, model: Path, registry: Registry, loaded_in_this_process: None
) -> None:
    said = done("adopt", model, "--trust", "--config", project(tmp_path))

    assert "adopted, which was not cross-validated" in said
    assert "Make it live: skylift promote v1@sha256:" in said
    assert "none" in done("versions")
    assert "adopted from model.joblib" in done("show", "v1")
    done("promote", "v1", "--ignore-memory")
    assert registry.active()


def test_a_folder_holds_it_instead(tmp_path: Path, model: Path) -> None:
    output = tmp_path / "version"

    said = done("adopt", model, "--trust", "--config", project(tmp_path), "--output", output)

    manifest = read_version_file(output)
    assert f"Written to {output}" in said
    assert manifest.lineage.adopted is not None
    assert manifest.compiled.converter == "skylift"


def test_another_table_is_named_by_data(tmp_path: Path, model: Path) -> None:
    (tmp_path / "other.csv").write_text(mixed(count=60))

    done(
        "adopt",
        model,
        "--trust",
        "--config",
        project(tmp_path),
        "--data",
        tmp_path / "other.csv",
        "--output",
        tmp_path / "version",
    )

    assert read_version_file(tmp_path / "version").lineage.data_rows == 60


def test_a_program_needs_a_word_of_trust(tmp_path: Path, model: Path) -> None:
    line = refused("adopt", model, "--config", project(tmp_path), "--output", tmp_path / "version")

    assert "is a program" in line
    assert "--trust" in line
