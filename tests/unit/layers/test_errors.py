"""Errors: one tree, each with what happened and what to do."""

import ast
import re
from types import ModuleType

import pytest

from skylift import errors
from skylift.errors import IntegrityError, RegistryError, SkyliftError, UnservableModel
from skylift.http import errors as http_errors
from skylift.http.errors import RequestError
from tests.support.paths import ROOT

TREES = (errors, http_errors)
"""Modules whose docstrings draw the errors that they define."""

ALL = [
    (kind, module)
    for module in TREES
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Exception) and kind.__module__ == module.__name__
]


def test_an_error_reads_as_what_happened_and_what_to_do() -> None:
    assert str(SkyliftError("no version is active", "promote one")) == "no version is active: promote one"


def test_an_error_that_nobody_can_fix_ends_with_what_happened() -> None:
    assert str(SkyliftError("the table is empty")) == "the table is empty"


def test_every_error_class_has_a_code_of_its_own() -> None:
    folders = ("layers", "functions", "training", "deploy")
    classes = [
        node
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]
    names = {"SkyliftError"}
    while more := {node.name for node in classes if names & set(map(ast.unparse, node.bases))} - names:
        names |= more

    codes = [code for node in classes if node.name in names for code in _codes(node)]

    assert len(codes) == len(set(codes)) == len(names) >= len(ALL)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)


def _codes(node: ast.ClassDef) -> list[str]:
    """Values that the body of a class gives to `code`."""
    return [
        str(statement.value.value)
        for statement in node.body
        if isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(statement.value, ast.Constant)
        for target in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])
        if ast.unparse(target) == "code"
    ]


@pytest.mark.parametrize(("kind", "module"), ALL)
def test_every_error_is_drawn_in_the_tree_under_its_parent(kind: type[Exception], module: ModuleType) -> None:
    drawn: list[str] = []
    parents = {"SkyliftError": "Exception"}
    for line in (module.__doc__ or "").splitlines():
        words = line.removeprefix("    ").replace("|", " ").replace("`", " ").split("-- ")
        if len(words) == 2:
            depth, name = len(words[0]) // 4 + 1, words[1].split()[0]
            parents[name] = drawn[depth - 1]
        elif line.strip() == "SkyliftError":
            depth, name = 0, "SkyliftError"
        else:
            continue
        drawn[depth:] = [name]

    assert parents.get(kind.__name__) == kind.__mro__[1].__name__


@pytest.mark.parametrize(
    ("one", "other"), [(RequestError, RegistryError), (RegistryError, UnservableModel), (IntegrityError, RequestError)]
)
def test_faults_of_callers_of_storage_and_of_models_are_kept_apart(
    one: type[SkyliftError], other: type[SkyliftError]
) -> None:
    assert not issubclass(one, other)
    assert not issubclass(other, one)
