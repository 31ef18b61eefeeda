"""The public names of `skylift` and `training`: declared, typed, and paid for only when used."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import skylift
import training
from tests.support.paths import ROOT
from tests.support.waiting import TIMES_OUT

both = pytest.mark.parametrize("package", [skylift, training], ids=lambda package: str(package.__name__))


@both
def test_every_public_name_resolves(package: ModuleType) -> None:
    assert all(getattr(package, name) is not None for name in package.__all__)


@both
def test_an_unknown_name_is_an_attribute_error(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        package.nothing  # noqa: B018


@both
def test_types_are_declared_for_the_modules_that_the_names_come_from(package: ModuleType) -> None:
    tree = ast.parse(Path(str(package.__file__)).read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 0]
    typed = {
        alias.name: str(node.module).removeprefix(f"{package.__name__}.")
        for node in imports
        if str(node.module).startswith(f"{package.__name__}.")
        for alias in node.names
    }

    assert typed == package._MODULES
    assert sorted(typed) == sorted(package.__all__) == sorted(dir(package))


@both
def test_importing_the_package_imports_none_of_its_modules(package: ModuleType) -> None:
    code = f"import {package.__name__}, sys, json; print(json.dumps(sorted(sys.modules)))"
    paths = [str(ROOT), str(ROOT / "layers")]

    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {paths}; {code}"],
        capture_output=True,
        text=True,
        timeout=TIMES_OUT,
        check=True,
    )

    modules = json.loads(done.stdout)
    assert package.__name__ in modules
    assert not [name for name in modules if name.startswith(f"{package.__name__}.")]


def test_types_are_shipped() -> None:
    assert (ROOT / "layers" / "skylift" / "py.typed").is_file()
    assert (ROOT / "training" / "py.typed").is_file()
