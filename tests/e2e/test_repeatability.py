"""Two processes make the same bytes of a table and a configuration."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from skylift.manifest import COMPILED_FILE
from tests.support.paths import ROOT
from tests.support.tables import LOGISTIC, mixed
from tests.support.waiting import TIMES_OUT


def products(config: Path) -> list[dict[str, Any]]:
    """What two fresh processes make of a configuration, which hash differently and are in different places."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.print_products", str(config), str(config.parent / seed)],
            env=os.environ | {"PYTHONHASHSEED": seed, "TZ": zone},
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        for seed, zone in (("1", "UTC"), ("4", "Asia/Tokyo"))
    ]
    return [json.loads(process.communicate(timeout=TIMES_OUT)[0]) for process in processes]


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("twice")
    (folder / "mixed.csv").write_text(mixed(), encoding="utf-8")
    forest = {
        "name": "forest",
        "estimator": "sklearn.ensemble.RandomForestClassifier",
        "params": {"n_estimators": 10},
    }
    boosting = {
        "name": "boosting",
        "estimator": "sklearn.ensemble.HistGradientBoostingClassifier",
        "params": {"max_iter": 10},
    }
    svm = {"name": "svm", "estimator": "sklearn.svm.SVC"}
    document = {
        "model": "mixed",
        "data": {"path": "mixed.csv"},
        "target": {"column": "churned"},
        "candidates": [LOGISTIC, forest, boosting, svm],
    }
    (folder / "model.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    return products(folder / "model.yaml")


def test_two_processes_make_the_same_manifest_but_for_its_time(twice: list[dict[str, Any]]) -> None:
    first, second = (dict(made["manifest"]) for made in twice)
    assert COMPILED_FILE in first["artifacts"], "without it nothing is said of compiled files"
    assert json.dumps(first["metrics"]) == json.dumps(second["metrics"])
    assert first["artifacts"] == second["artifacts"]
    for manifest in (first, second):
        del manifest["created_at"]
        manifest["lineage"] = {
            name: value for name, value in manifest["lineage"].items() if not name.startswith("git_")
        }
    assert first == second


def test_two_processes_convert_by_the_fallback_to_the_same_bytes(twice: list[dict[str, Any]]) -> None:
    assert twice[0]["fallback"] == twice[1]["fallback"]


def test_two_processes_prepare_the_same_bytes(twice: list[dict[str, Any]]) -> None:
    assert {"table.json", "train.csv", "test.csv"} <= twice[0]["prepared"].keys()
    assert twice[0]["prepared"] == twice[1]["prepared"]
