"""What a person sees of evaluations and comparisons."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from skylift.registry import Registry
from skylift.store import VersionStore
from tests.support.commands import done, refused, skylift
from tests.support.stored import placed
from tests.support.tables import RIDGE, TREE, lines, write_project
from training.config import load_config
from training.evaluation.report import EVALUATION_FILE, Evaluation
from training.job import train
from training.release.packaging import Package, pack

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

STUMP = {"name": "stump", "estimator": "sklearn.tree.DecisionTreeClassifier", "params": {"max_depth": 1}}
FOUR = lines("x,n,y", lambda number: f"{number},{number % 7},{'abcd'[number // 30]}", count=120)
RISING = lines("x,n,y", lambda number: f"{number},{number * 7 % 11},{3 * number + number % 5}", count=60)


def project(folder: Path, text: str = FOUR, **sections: Any) -> Path:
    metric = "rmse" if text is RISING else "accuracy"
    return write_project(folder, text, **{"select_by": metric} | sections)


def words(*arguments: object) -> str:
    """What a command prints, whatever the width of its tables."""
    return " ".join(done(*arguments).split())


class TestTrain:
    def test_the_essentials_are_shown(self, tmp_path: Path, registry: Registry) -> None:
        text = words("train", "--config", project(tmp_path, evaluation={"slices": ["n"]}))

        assert "Holdout, 24 rows" in text
        assert "metric holdout 95% interval cross-validated dummy" in text
        for part in ("Classes, on the holdout", "worst slice n ", "importance x ", "minimum function: as expected"):
            assert part in text

    def test_a_regression_shows_its_errors(self, tmp_path: Path, registry: Registry) -> None:
        text = words("train", "--config", project(tmp_path, RISING, candidates=[RIDGE]))

        assert "errors within: 50% " in text

    def test_the_evaluation_is_published_with_its_digest(
        self, tmp_path: Path, registry: Registry, store: VersionStore
    ) -> None:
        done("train", "--config", project(tmp_path))

        manifest = registry.version("v1").manifest
        evaluation = Evaluation.from_bytes(store.artifact(manifest, EVALUATION_FILE), source=EVALUATION_FILE)
        assert evaluation.metrics["accuracy"].value == manifest.metrics.holdout["accuracy"]
        assert evaluation.metrics["accuracy"].interval == manifest.metrics.intervals["accuracy"]

    def test_a_challenger_worse_than_the_active_version_is_not_published(
        self, tmp_path: Path, registry: Registry, s3: "S3Client"
    ) -> None:
        done("train", "--config", project(tmp_path))
        done("promote", "v1", "--config", tmp_path / "model.yaml")

        line = refused("train", "--config", project(tmp_path, candidates=[STUMP]))

        assert "below the active v1 (1.0000)\nhint: nothing was published" in line
        assert len(registry.versions()) == 1

    def test_the_active_version_is_shown_beside_the_new_one(self, tmp_path: Path, registry: Registry) -> None:
        done("train", "--config", project(tmp_path))
        done("promote", "v1", "--config", tmp_path / "model.yaml")

        text = words("train", "--config", project(tmp_path, candidates=[TREE | {"params": {"max_depth": 4}}]))

        assert "dummy active v1" in text
        assert (
            "active version v1: accuracy 1.0000 -> 1.0000, within noise (mcnemar, p = 1); 0 rows change label" in text
        )

    def test_a_version_shows_its_evaluation_later(self, tmp_path: Path, registry: Registry) -> None:
        done("train", "--config", project(tmp_path))

        assert "Holdout, 24 rows" in done("show", "v1")

    def test_dask_that_is_not_there_is_one_line(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "distributed", None)

        assert "--dask needs distributed, which is not installed" in refused(
            "train", "--config", project(tmp_path), "--dask", "local"
        )


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[Package]:
    """Two trainings of which the second is much worse."""
    folder = tmp_path_factory.mktemp("compared")
    return [pack(train(load_config(project(folder, candidates=[candidate])))) for candidate in (TREE, STUMP)]


class TestCompare:
    @pytest.fixture
    def two(self, tmp_path: Path, registry: Registry, packages: list[Package]) -> Path:
        """What they published; the `model.yaml` of the second."""
        for package in packages:
            placed(package)
        return project(tmp_path, candidates=[STUMP])

    def test_everything_stands_side_by_side(self, two: Path) -> None:
        text = done("compare", "v1", "v2", "--config", two)

        for title in ("Metrics, as published", "Data", "Parameters", "Environment", "On the same 24 rows"):
            assert title in text
        assert any(line.split() == ["*", "max_depth", "3", "1"] for line in text.splitlines())

    def test_the_rows_that_changed_label_are_named(self, two: Path) -> None:
        found = json.loads(done("compare", "v1", "v2", "--json", "--config", two))

        rows = [line.split(",") for line in FOUR.splitlines()[1:]]
        assert found["scored"]["changed"] == len(found["scored"]["examples"]) > 0
        for example in found["scored"]["examples"]:
            assert rows[example["row"] - 1][2] == example["true"] == example["before"] != example["after"]

    def test_a_difference_beyond_noise_is_told_with_its_test(self, two: Path) -> None:
        (line,) = (line for line in done("compare", "v1", "v2", "--config", two).splitlines() if "mcnemar" in line)

        assert line.split()[0] == "accuracy"
        assert line.endswith("more than noise")

    def test_a_version_is_like_itself(self, two: Path) -> None:
        text = done("compare", "v1", "v1", "--config", two)

        assert "both versions give the same predictions" in text
        assert "more than noise" not in text

    def test_values_of_a_regression_are_compared_by_a_paired_bootstrap(
        self, tmp_path: Path, registry: Registry
    ) -> None:
        far = RIDGE | {"params": {"alpha": 50.0}}
        for candidate in (RIDGE, far):
            done("train", "--config", project(tmp_path, RISING, candidates=[candidate]))

        text = done("compare", "1", "2", "--config", tmp_path / "model.yaml")

        assert "paired bootstrap" in text
        assert "Largest differences" in text

    def test_a_table_that_does_not_fit_leaves_what_was_published(self, two: Path) -> None:
        path = project(two.parent, RISING)

        text = done("compare", "v1", "v2", "--config", path)

        assert "v1 could not score the rows: its contract does not fit this table" in text
        assert "Metrics, as published" in text

    def test_a_version_that_is_not_there_is_refused(self, two: Path) -> None:
        assert "iris has no version v9" in refused("compare", "v1", "v9", "--config", two)

    def test_one_version_is_wrong_usage(self) -> None:
        assert skylift("compare", "v1").exit_code == 2
