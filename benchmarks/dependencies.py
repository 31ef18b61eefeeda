"""Which installed distributions a service needs, how large they are, and a folder with these and no others.

The development environment has more than an image would (pandas alone adds a third of a second to the import of
scikit-learn, which looks for it), so services are measured with only their own dependencies in reach.
"""

import tomllib
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

BASELINE_ROOTS = ("boto3", "fastapi", "joblib", "mangum", "scikit-learn")
RUNTIME_ROOTS = ("awslambdaric", "uvicorn", "prometheus-client")
"""What starts a service: of Lambda's own image, and for the measurements over HTTP."""

_PROJECT = Path(__file__).parents[1] / "pyproject.toml"
_FALLBACK_ROOTS = {"joblib", "scikit-learn"}


def skylift_roots() -> tuple[str, ...]:
    """What the service's image installs."""
    project = tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]
    return tuple(_names([*project["dependencies"], *project["optional-dependencies"]["inference"]]))


def compiled_roots() -> tuple[str, ...]:
    """The same without what only a model that does not compile needs."""
    return tuple(sorted(set(skylift_roots()) - _FALLBACK_ROOTS))


def closure(roots: Iterable[str]) -> list[Distribution]:
    """Installed distributions that the named ones need, themselves included, by name."""
    found: dict[str, Distribution] = {}
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = distribution(name)
            waiting += _names(found[name].requires or ())
    return [found[name] for name in sorted(found)]


def sizes(roots: Iterable[str]) -> dict[str, int]:
    """Bytes on the disk by distribution, without compiled bytecode."""
    return {each.name: sum(path.stat().st_size for path in _files(each)) for each in closure(roots)}


def lay_out_site(folder: Path, roots: Iterable[str]) -> Path:
    """Fill a folder with links to what the named distributions need.

    Returns
    -------
    The folder.
    """
    for each in closure(roots):
        base = Path(str(each.locate_file("")))
        for name in sorted({path.relative_to(base).parts[0] for path in _files(each)}):
            if not (folder / name).is_symlink():
                (folder / name).symlink_to(base / name)
    return folder


def _files(each: Distribution) -> list[Path]:
    """Installed files below the folder of packages: no scripts, no bytecode."""
    base = Path(str(each.locate_file("")))
    paths = [base / path for path in each.files or () if ".." not in path.parts and path.suffix != ".pyc"]
    return [path for path in paths if path.is_file()]


def _names(requirements: Iterable[str]) -> list[str]:
    """Names of those requirements that hold here, without extras."""
    parsed = [Requirement(text) for text in requirements]
    return sorted(
        {canonicalize_name(each.name) for each in parsed if each.marker is None or each.marker.evaluate({"extra": ""})}
    )
