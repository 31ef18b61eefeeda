"""Modules beside `model.yaml` are found with all that they import there, and nothing of them can be mistaken."""

from pathlib import Path
from typing import Any

import pytest

from skylift.errors import ConfigError
from skylift.own_code import OwnCode
from tests.support.paths import ROOT
from training.config import Candidate
from training.search import own_modules
from training.search.own_modules import modules_of_the_service, own_code


def candidate(path: str, **params: Any) -> Candidate:
    return Candidate.model_validate({"name": "c", "estimator": path, "params": params})


def written(folder: Path, **sources: str) -> Path:
    for name, source in sources.items():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
    return folder


def fault(folder: Path, path: str = "prices.Model") -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        own_code(folder, [candidate(path)])
    assert "\n" not in str(caught.value), "an error is one line"
    return caught.value


def files(code: OwnCode) -> list[str]:
    return list(code.files)


class TestWhatIsTaken:
    def test_a_file_with_the_files_that_it_imports_in_any_place(self, tmp_path: Path) -> None:
        written(tmp_path, prices="import a\ndef f():\n    from b import x", a="import c.d", b="", unused="")
        written(tmp_path / "c", __init__="", d="", e="")

        code = own_code(tmp_path, [candidate("prices.Model")])

        assert files(code) == ["a.py", "b.py", "c/__init__.py", "c/d.py", "c/e.py", "prices.py"]

    def test_a_package_with_all_of_its_modules(self, tmp_path: Path) -> None:
        written(tmp_path / "shapes", __init__="", square="")
        written(tmp_path / "shapes" / "round", __init__="")
        written(tmp_path / "shapes" / "__pycache__", stale="")
        written(tmp_path / "shapes" / ".hidden", secret="")

        assert files(own_code(tmp_path, [candidate("shapes.square.Model")])) == [
            "shapes/__init__.py",
            "shapes/round/__init__.py",
            "shapes/square.py",
        ]

    def test_of_estimators_within_estimators_too(self, tmp_path: Path) -> None:
        written(tmp_path, ratios="", models="")
        steps = [{"estimator": "ratios.Ratio"}, "passthrough", {"estimator": "models.Model"}]

        assert files(own_code(tmp_path, [candidate("sklearn.pipeline.Pipeline", steps=steps)])) == [
            "models.py",
            "ratios.py",
        ]

    def test_nothing_where_all_is_installed(self, tmp_path: Path) -> None:
        written(tmp_path, prices="")

        assert not own_code(tmp_path, [candidate("sklearn.svm.SVC")])

    def test_a_source_in_another_encoding(self, tmp_path: Path) -> None:
        (tmp_path / "prices.py").write_bytes("# coding: latin-1\nNAME = 'Zürich'\n".encode("latin-1"))

        assert "Zürich" in own_code(tmp_path, [candidate("prices.Model")]).files["prices.py"]


class TestRefused:
    def test_a_module_that_is_nowhere_says_which_folder_was_looked_in(self, tmp_path: Path) -> None:
        written(tmp_path, prices="")

        error = fault(tmp_path, "pricse.Model")

        assert f"there is no pricse.Model: pricse is not installed, and {tmp_path} has no pricse.py" in error.message
        assert error.hint == "did you mean 'prices'?"

    @pytest.mark.parametrize(("name", "where"), [("statistics", "the standard library"), ("yaml", "yaml")])
    def test_the_name_of_a_module_that_is_installed(self, tmp_path: Path, name: str, where: str) -> None:
        written(tmp_path, **{name: ""})

        error = fault(tmp_path, f"{name}.Model")

        assert f"{name}.py has the name of a module that is installed" in error.message
        assert where in error.message

    def test_also_of_one_that_it_imports(self, tmp_path: Path) -> None:
        written(tmp_path, prices="import yaml", yaml="")

        assert fault(tmp_path).message.startswith("prices.py: ")

    def test_not_the_same_file_on_the_path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.syspath_prepend(written(tmp_path, prices=""))

        assert files(own_code(tmp_path, [candidate("prices.Model")])) == ["prices.py"]

    def test_a_folder_on_the_path_that_only_has_its_name_is_not_a_module(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "path" / "prices").mkdir(parents=True)
        monkeypatch.syspath_prepend(tmp_path / "path")

        assert files(own_code(written(tmp_path, prices=""), [candidate("prices.Model")])) == ["prices.py"]

    def test_what_is_not_python_with_its_line(self, tmp_path: Path) -> None:
        assert "prices.py, line 2: " in fault(written(tmp_path, prices="x = 1\ndef f(:\n")).message

    def test_bytes_that_are_not_a_text(self, tmp_path: Path) -> None:
        (tmp_path / "prices.py").write_bytes(b"x = '\xff'")

        assert "prices.py is not Python" in fault(tmp_path).message

    def test_more_than_a_version_may_hold(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(own_modules, "_MOST_BYTES", 10)

        assert "own modules have 12 characters" in fault(written(tmp_path, prices="a = 1 + 2\n #")).message

    def test_a_file_that_the_stage_of_dvc_does_not_depend_on(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(written(tmp_path, prices="import other", other=""))
        Path("dvc.yaml").write_text("stages:\n  train: {cmd: skylift train, deps: [prices.py]}\n")
        monkeypatch.setenv("DVC_STAGE", "train")

        error = fault(Path.cwd())

        assert error.message == "the stage train reads other.py (prices.py), which is not in its deps"


class TestTheImageOfTheService:
    def test_it_has_what_its_requirements_name(self) -> None:
        modules = modules_of_the_service()

        assert modules is not None
        assert {"sklearn", "numpy", "scipy", "joblib", "skylift", "pydantic"} <= modules
        assert not {"pandas", "skl2onnx", "typer", "training"} & modules

    def test_the_image_of_training_knows_them(self) -> None:
        dockerfile = (ROOT / "training" / "Dockerfile").read_text(encoding="utf-8")

        relative = own_modules.SERVICE_REQUIREMENTS.relative_to(ROOT).as_posix()
        assert f"COPY {relative} ./{relative}" in dockerfile

    def test_where_they_are_unknown_everything_may_be_imported(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(own_modules, "SERVICE_REQUIREMENTS", tmp_path / "gone.txt")

        assert modules_of_the_service.__wrapped__() is None
