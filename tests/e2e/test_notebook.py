"""The notebook a colleague starts from: it runs from the first cell to the last, and is kept without outputs."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import yaml

from tests.support.models import IRIS_CONFIG
from tests.support.paths import ROOT
from tests.support.tables import LOGISTIC
from tests.support.waiting import TIMES_OUT

NOTEBOOK = ROOT / "notebooks" / "explore.ipynb"
_OURS = ("SKYLIFT_", "AWS_", "MLFLOW_", "MPLBACKEND", "PYTEST_")


def test_it_runs_by_itself(tmp_path: Path) -> None:
    """With the shipped table and one quick candidate of its own."""
    document = yaml.safe_load(IRIS_CONFIG.read_text(encoding="utf-8"))
    document["data"]["path"] = str(ROOT / "data" / "raw" / "Iris.csv")
    document["candidates"] = [LOGISTIC]
    config = tmp_path / "model.yaml"
    config.write_text(yaml.safe_dump(document), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    environment["SKYLIFT_CONFIG"] = str(config)
    options = ("-q", "-pno:randomly", "-pno:cacheprovider", "-pnbmake", "--nbmake", f"--nbmake-timeout={TIMES_OUT:.0f}")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(NOTEBOOK)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=2 * TIMES_OUT,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-3000:]
    assert "1 passed" in done.stdout


def test_it_is_kept_without_outputs() -> None:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]

    assert [cell["source"] for cell in cells if cell["outputs"] or cell["execution_count"] is not None] == [], (
        "clear the outputs before committing: they hold data, and every run changes them"
    )


def test_it_imports_public_names_only() -> None:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    code = "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
    nodes = list(ast.walk(ast.parse(code)))
    modules = [str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)]
    modules += [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]

    assert {name for name in modules if name.partition(".")[0] in {"skylift", "training"}} == {"skylift", "training"}


def test_it_names_no_path_of_a_machine() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")

    assert "/home/" not in text
    assert "/Users/" not in text
