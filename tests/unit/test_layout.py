"""The tests mirror the tree: what a module does is tested in the file of its name."""

import tomllib
from pathlib import Path

import pytest

from tests.support.paths import ROOT

MIRRORS = {
    "functions": "tests/unit",
    "layers": "tests/unit/layers",
    "training": "tests/unit/training",
    "deploy": "tests/unit/deploy",
    "tools": "tests/unit/tools",
}
"""Where the modules below a folder are tested."""

DATA = "declares data alone: types and mypy check it"
CONVERTERS = "tests/unit/training/compile/test_converters.py"
ELSEWHERE = {
    "functions/auto_rollback/settings.py": DATA,
    "functions/inference/app.py": "tests/integration/service/test_two_lanes.py",
    "functions/inference/compose.py": "tests/integration/service/test_compose.py",
    "functions/inference/fields.py": "tests/unit/inference/test_schema.py",
    "functions/inference/handler.py": "tests/integration/service/test_compose.py",
    "functions/inference/openapi_schemas.py": "tests/unit/inference/test_openapi.py",
    "functions/inference/warnings.py": "tests/unit/inference/test_model.py",
    "functions/monitor/settings.py": DATA,
    "functions/operations/compose.py": "tests/integration/operations/test_handler.py",
    "functions/operations/handler.py": "tests/integration/operations/test_handler.py",
    "functions/operations/settings.py": DATA,
    "functions/pre_traffic/check.py": "tests/integration/pre_traffic/test_handler.py",
    "functions/pre_traffic/handler.py": "tests/integration/pre_traffic/test_handler.py",
    "functions/pre_traffic/service.py": "tests/integration/pre_traffic/test_handler.py",
    "functions/pre_traffic/settings.py": DATA,
    "functions/retrain/compose.py": "tests/unit/retrain/test_handler.py",
    "functions/retrain/settings.py": DATA,
    "functions/retrain/work.py": "tests/unit/retrain/test_flow.py",
    "functions/retrain_trigger/handler.py": "tests/unit/retrain_trigger/test_trigger.py",
    "functions/retrain_trigger/settings.py": DATA,
    "functions/rollout/settings.py": DATA,
    "layers/skylift/bulk/rejects.py": "tests/unit/layers/bulk/test_part.py",
    "layers/skylift/bulk/writers.py": "tests/unit/layers/bulk/test_part.py",
    "layers/skylift/http/gateways.py": "tests/integration/service/test_compose.py",
    "layers/skylift/http/request_log.py": "tests/unit/inference/test_access_log.py",
    "layers/skylift/http/starlette_problems.py": "tests/unit/layers/http/test_problems.py",
    "training/cli/batch_version.py": "tests/unit/training/cli/test_batch.py",
    "training/cli/challenge.py": "tests/integration/cli/test_experiments.py",
    "training/cli/data.py": "tests/integration/cli/test_data.py",
    "training/cli/experiments.py": "tests/integration/cli/test_experiments.py",
    "training/cli/judge.py": "tests/integration/cli/test_experiments.py",
    "training/cli/monitor.py": "tests/integration/cli/test_monitor.py",
    "training/cli/monitor_tables.py": "tests/integration/cli/test_monitor.py",
    "training/cli/options.py": DATA,
    "training/cli/outcome.py": "tests/integration/cli/test_outcome.py",
    "training/cli/published.py": "tests/integration/cli/test_lifecycle.py",
    "training/cli/traffic.py": "tests/integration/cli/test_outcome.py",
    "training/cli/versions.py": "tests/integration/cli/test_lifecycle.py",
    "training/compile/boosting.py": CONVERTERS,
    "training/compile/dispatch.py": CONVERTERS,
    "training/compile/encoders.py": CONVERTERS,
    "training/compile/ensembles.py": CONVERTERS,
    "training/compile/exact.py": CONVERTERS,
    "training/compile/fallback.py": CONVERTERS,
    "training/compile/forests.py": CONVERTERS,
    "training/compile/graph.py": CONVERTERS,
    "training/compile/kernels.py": CONVERTERS,
    "training/compile/linear.py": CONVERTERS,
    "training/compile/preparation.py": CONVERTERS,
    "training/compile/trees.py": CONVERTERS,
    "training/config/table.py": "tests/unit/training/config/test_effects.py",
    "training/evaluation/class_report.py": DATA,
    "training/search/report.py": DATA,
    "training/tracking/mlflow_store.py": "tests/integration/cli/test_tracking.py",
    "deploy/caller.py": "tests/integration/deploy/test_commands.py",
    "deploy/cli.py": "tests/integration/deploy/test_commands.py",
    "deploy/first_model.py": "tests/integration/deploy/test_commands.py",
    "deploy/release.py": "tests/integration/deploy/test_commands.py",
    "deploy/tools.py": "tests/integration/deploy/test_commands.py",
    "deploy/sam.py": "tests/integration/deploy/test_commands.py",
}
"""Modules without a test file of their name, and why: the test of the whole that they are seen in, or `DATA`."""


def modules() -> list[Path]:
    """Modules that may have behaviour, from the root; `__init__` and `__main__` only lead to others."""
    return [
        path.relative_to(ROOT)
        for folder in MIRRORS
        for path in sorted((ROOT / folder).rglob("*.py"))
        if not path.name.startswith("__")
    ]


def mirror_of(module: Path) -> Path:
    """The test file of a module."""
    top, *inner = module.parent.parts
    inner = [part for part in inner if part != "skylift"]
    return Path(MIRRORS[top], *inner, f"test_{module.name}")


def test_a_module_has_a_test_file_of_its_name() -> None:
    mirrors = [mirror_of(path) for path in modules() if str(path) not in ELSEWHERE]

    assert [str(mirror) for mirror in mirrors if not (ROOT / mirror).is_file()] == [], "write them"


def test_an_exception_is_a_module_that_needs_it() -> None:
    gone = [path for path in [*ELSEWHERE, *(set(ELSEWHERE.values()) - {DATA})] if not (ROOT / path).is_file()]

    assert gone == []
    assert [path for path in ELSEWHERE if (ROOT / mirror_of(Path(path))).exists()] == [], "take them off the list"


@pytest.mark.parametrize("function", sorted(path.parent.name for path in (ROOT / "functions").glob("*/__init__.py")))
def test_a_function_is_on_the_map_and_checked_like_the_others(function: str) -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]

    assert f"\nfunctions/{function}/ " in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert function in tools["mypy"]["packages"]
    assert function in tools["ruff"]["lint"]["isort"]["known-first-party"]
