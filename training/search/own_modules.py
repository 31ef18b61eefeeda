"""The user's own modules that candidates are made of: files and packages in the folder of `model.yaml`.

They are read once. What runs, in training as in the service, is what was read (`skylift.own_code`).
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import packages_distributions
from importlib.util import decode_source, find_spec
from pathlib import Path
from typing import Any

from skylift.errors import ConfigError
from skylift.libraries import LIBRARIES
from skylift.names import did_you_mean
from skylift.own_code import OwnCode
from training.config.candidates import Candidate, Nested
from training.data.pipeline import check_dependency

SERVICE_REQUIREMENTS = Path(__file__).parents[2] / "functions" / "inference" / "requirements.txt"

_MOST_BYTES = 4 * 2**20
_PINNED = re.compile(r"^([A-Za-z0-9][\w.-]*)==", re.MULTILINE)


def own_code(folder: Path, candidates: Iterable[Candidate]) -> OwnCode:
    """The modules in a folder that candidates name, and what these import of it.

    Raises
    ------
    ConfigError
        A module is neither there nor installed, or both; or its source cannot be read.
    """
    wanted: dict[str, str] = {}
    for candidate in candidates:
        for path in _import_paths(candidate):
            top = path.partition(".")[0]
            if place_of(folder, top) is not None:
                wanted.setdefault(top, f"candidate {candidate.name}")
            elif top not in LIBRARIES and _installed(top, None) is None:
                raise _unknown(candidate.name, path, folder)
    return gather(folder, wanted)


def gather(folder: Path, wanted: dict[str, str]) -> OwnCode:
    """Modules of a folder, with all that they import of it: a file alone, a package with all of its modules.

    Parameters
    ----------
    wanted
        What names each module, by its name: "candidate prices".

    Raises
    ------
    ConfigError
        A module has the name of an installed one, or its source cannot be read.
    """
    files: dict[str, str] = {}
    left, seen = dict(wanted), set(wanted)
    while left:
        name, asking = left.popitem()
        place = place_of(folder, name)
        if place is None:
            continue
        if (other := _installed(name, place)) is not None:
            raise ConfigError(
                f"{asking}: {place} has the name of a module that is installed ({other})", "give it another name"
            )
        for path in _sources(place):
            check_dependency(path, named_by=asking)
            source = _read(path)
            files[path.relative_to(folder).as_posix()] = source
            found = {top for top in _imported(source, path) if top not in seen and place_of(folder, top)}
            left |= dict.fromkeys(found, path.relative_to(folder).as_posix())
            seen |= found
    if (size := sum(map(len, files.values()))) > _MOST_BYTES:
        raise ConfigError(
            f"own modules have {size:,} characters, and a version may hold {_MOST_BYTES:,}",
            f"keep in {folder} only what candidates need, or install the rest as a package",
        )
    return OwnCode(files, modules_of_the_service()) if files else OwnCode({})


def place_of(folder: Path, name: str) -> Path | None:
    """Where a folder has a top-level module: a file, or the folder of a package; None if it has none."""
    if not name.isidentifier():
        return None
    if (folder / name / "__init__.py").is_file():
        return folder / name
    file = folder / f"{name}.py"
    return file if file.is_file() else None


@cache
def modules_of_the_service() -> frozenset[str] | None:
    """Names of the modules that the image of the service has; None where its requirements are not here."""
    if not SERVICE_REQUIREMENTS.is_file():
        return None
    pinned = {_canonical(name) for name in _PINNED.findall(SERVICE_REQUIREMENTS.read_text(encoding="utf-8"))}
    modules = packages_distributions().items()
    return frozenset(name for name, packages in modules if pinned & set(map(_canonical, packages))) | {"skylift"}


def _import_paths(spec: Any) -> Iterator[str]:
    """Import paths of an estimator and of those among its parameters."""
    if isinstance(spec, list):
        for item in spec:
            yield from _import_paths(item)
    elif isinstance(spec, Candidate | Nested):
        yield spec.estimator
        for value in spec.params.values():
            yield from _import_paths(value)


def _installed(name: str, place: Path | None) -> str | None:
    """Where a top-level module is installed, other than at a place of the user's; None if it is not."""
    if name in sys.stdlib_module_names:
        return "the standard library"
    try:
        spec = find_spec(name)
    except ValueError:  # of `__main__`
        return None
    if spec is None or spec.origin is None:  # a folder that happens to be on the path
        return None if spec is None or place is not None else name
    return None if place is not None and Path(spec.origin).is_relative_to(place) else spec.origin


def _unknown(candidate: str, path: str, folder: Path) -> ConfigError:
    top = path.partition(".")[0]
    own = sorted(each.stem for each in folder.glob("*.py") if not each.stem.startswith("_"))
    return ConfigError(
        f"candidate {candidate}: there is no {path}: {top} is not installed, and {folder} has no {top}.py or package",
        did_you_mean(top, ["sklearn", *LIBRARIES, *own]),
    )


def _sources(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    paths = [path for path in place.rglob("*.py") if not _hidden(path.relative_to(place))]
    return sorted(paths)


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)


def _read(path: Path) -> str:
    try:
        return decode_source(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror})", "check its permissions") from error
    except (SyntaxError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not Python ({error})", "fix it") from error


def _imported(source: str, path: Path) -> set[str]:
    """Top-level names of the modules that a source imports, wherever it does."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:  # ValueError: a null byte
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise ConfigError(f"{path}{line}: {getattr(error, 'msg', error)}", "fix it") from error
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
