"""The pipeline with the real DVC, in a repository of its own: what did not change is not made again."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.paths import ROOT
from tests.support.tables import TREE
from tests.support.waiting import TIMES_OUT

BIN = Path(sys.executable).parent
COPIED = (".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore", "dvc.yaml", "data/raw/Iris.csv")
IDENTITY = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in (("NAME", "Ada"), ("EMAIL", "ada@example.org"))
}


class Project:
    """A repository with the files that the pipeline needs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.configuration = folder / "training" / "model.yaml"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SKYLIFT_", "GIT_"))},
            **IDENTITY,
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "DVC_NO_ANALYTICS": "1",
            "DVC_GLOBAL_CONFIG_DIR": str(folder.parent / "dvc-global"),
            "DVC_SYSTEM_CONFIG_DIR": str(folder.parent / "dvc-system"),
            "DVC_SITE_CACHE_DIR": str(folder.parent / "dvc-site"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "NO_COLOR": "1",
        }

    def run(self, *command: str, code: int = 0) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=TIMES_OUT,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def repro(self, *, code: int = 0) -> list[str]:
        """The stages that ran."""
        return re.findall(r"Running stage '(\w+)'", self.run("dvc", "repro", code=code))

    def outdated(self) -> set[str]:
        """The stages of which a dependency or a parameter changed; those after them follow."""
        return set(json.loads(self.run("dvc", "status", "--json")))

    def configure(self, **sections: Any) -> None:
        document = yaml.safe_load(self.configuration.read_text(encoding="utf-8"))
        self.configuration.write_text(yaml.safe_dump(document | sections), encoding="utf-8")

    def commit(self) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", "Keep it")

    def metrics_diff(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("dvc", "metrics", "diff", "--json"))
        return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A repository whose pipeline ran, everything committed."""
    folder = tmp_path_factory.mktemp("dvc") / "project"
    for name in (
        *COPIED,
        *(
            str(path.relative_to(ROOT))
            for package in ("layers/skylift", "training")
            for path in (ROOT / package).rglob("*.*")
            if path.is_file() and path.suffix != ".pyc"
        ),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    project = Project(folder)
    project.run("git", "init", "--quiet")
    project.run("dvc", "config", "--local", "core.check_update", "false")
    project.configure(candidates=[TREE], gates={"accuracy": {"min": 0.5}}, select_by="accuracy")
    assert project.repro() == ["prepare", "validate", "train", "evaluate"]
    project.commit()
    return project


@pytest.fixture
def project(made: Project) -> Project:
    """The same, as it was committed."""
    made.run("git", "reset", "--quiet", "--hard")
    made.run("dvc", "checkout", "--quiet")
    return made


def test_nothing_is_made_again_where_nothing_changed(project: Project) -> None:
    assert project.repro() == []
    assert project.run("git", "status", "--porcelain") == ""


def test_git_keeps_the_reports_and_dvc_the_data_and_the_model(project: Project) -> None:
    kept = set(project.run("git", "ls-files").splitlines())

    assert {"dvc.lock", "reports/metrics.json", "reports/validation.json", "reports/predictions.csv"} <= kept
    assert not [name for name in kept if name.startswith(("data/processed", "build"))]


@pytest.mark.parametrize(
    ("sections", "stages"),
    [
        ({"gates": {"accuracy": {"min": 0.6}}}, {"evaluate"}),
        ({"evaluation": {"slices": ["sepal_width"]}}, {"train"}),
        ({"features": {"sepal_width": {"monotone": "increasing"}}}, {"prepare", "validate", "train"}),
        ({"split": {"holdout": 0.2, "seed": 7}}, {"prepare", "validate"}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_a_section_of_the_configuration_reruns_the_stages_that_read_it(
    project: Project, sections: dict[str, Any], stages: set[str]
) -> None:
    project.configure(**sections)

    assert project.outdated() == stages


def test_a_gate_that_fails_fails_the_pipeline(project: Project) -> None:
    project.configure(gates={"log_loss": {"max": 0.0}})

    text = project.run("dvc", "repro", code=255)

    assert "error: gate failed on the test rows: log_loss " in text


def test_a_candidate_reruns_training_and_evaluation_and_its_metrics_are_compared(project: Project) -> None:
    project.configure(candidates=[TREE | {"params": {"max_depth": 1}}])

    assert project.repro() == ["train", "evaluate"]
    accuracy = project.metrics_diff()["reports/metrics.json"]["holdout.accuracy"]
    assert accuracy["diff"] < 0


def test_a_table_that_fails_validation_trains_nothing(project: Project) -> None:
    project.configure(features={"sepal_length": {"min": 4.4}})

    text = project.run("dvc", "repro", code=255)

    assert "column sepal_length holds 4.3 in row 14, and features.sepal_length wants a value from 4.4 on" in text
    assert "Running stage 'train'" not in text


def test_the_plots_are_drawn(project: Project) -> None:
    project.run("dvc", "plots", "show", "--out", "plots")

    page = (project.folder / "plots" / "index.html").read_text(encoding="utf-8")
    assert "confusion" in page
    assert "candidates" in page
    shutil.rmtree(project.folder / "plots")
