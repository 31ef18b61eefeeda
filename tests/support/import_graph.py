"""Which module of this project imports which, read from the source."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from tests.support.paths import ROOT

_PACKAGES = (
    "layers/skylift",
    "functions/active_pointer",
    "functions/audit",
    "functions/auto_rollback",
    "functions/batch",
    "functions/inference",
    "functions/local_durable",
    "functions/monitor",
    "functions/operations",
    "functions/pre_traffic",
    "functions/retrain",
    "functions/retrain_trigger",
    "functions/rollout",
    "functions/version_check",
    "training",
    "deploy",
)


@cache
def modules() -> dict[str, Path]:
    """Files of the project's modules by their dotted names."""
    files = {}
    for package in map(Path, _PACKAGES):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT / package.parent).with_suffix("").parts
            files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return files


@cache
def imports(module: str, *, typing_only: bool = True) -> frozenset[str]:
    """Modules of the project that a module imports, anywhere in its file.

    Parameters
    ----------
    module
        Dotted name of the importing module.
    typing_only
        Whether imports under `TYPE_CHECKING` count.
    """
    tree = ast.parse(modules()[module].read_text(encoding="utf-8"))
    return frozenset(_imported(tree, typing_only=typing_only)) - {module}


def imports_of_function(module: str, function: str) -> frozenset[str]:
    """Modules of the project that the body of a module's function imports."""
    tree = ast.parse(modules()[module].read_text(encoding="utf-8"))
    (body,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function)
    return frozenset(_imported(body, typing_only=False))


def closure(names: Iterable[str]) -> set[str]:
    """Modules that run when these are imported: they, what they import, and so on."""
    reached: set[str] = set()
    pending = set(names)
    while pending:
        module = pending.pop()
        reached.add(module)
        pending |= imports(module, typing_only=False) - reached
    return reached


def circles() -> list[list[str]]:
    """Circles of modules that import each other, one for each module that closes one."""
    found: list[list[str]] = []
    finished: set[str] = set()

    def visit(module: str, path: list[str]) -> None:
        if module in path:
            found.append([*path[path.index(module) :], module])
        elif module not in finished:
            for imported in sorted(imports(module)):
                visit(imported, [*path, module])
            finished.add(module)

    for module in modules():
        visit(module, [])
    return found


def _imported(tree: ast.AST, *, typing_only: bool) -> Iterator[str]:
    for node in _nodes(tree, typing_only=typing_only):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in modules() else node.module for name in names]
        else:
            continue
        yield from (name for name in names if name in modules())


def _nodes(tree: ast.AST, *, typing_only: bool) -> Iterator[ast.AST]:
    pending = [tree]
    while pending:
        for node in ast.iter_child_nodes(pending.pop()):
            if not typing_only and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                continue
            yield node
            pending.append(node)
