"""The releases that a model was made with, and needs to be served."""

import platform
from collections.abc import Iterable
from importlib.metadata import version as installed_version
from typing import Any

from skylift.libraries import LIBRARIES, installed_release
from skylift.version import __version__

_PACKAGES = ("scikit-learn", "numpy", "scipy", "joblib", "onnx", "onnxruntime", "skl2onnx")


def environment(libraries: Iterable[str] = ()) -> dict[str, str]:
    """Releases of Python, of Skylift and of the packages that decide what a model is, by name.

    Parameters
    ----------
    libraries
        Names of further libraries that decide it, of which those count that are installed.
    """
    releases = {name: installed_version(name) for name in _PACKAGES}
    of_libraries = {name: release for name in libraries if (release := installed_release(name))}
    return {"python": platform.python_version(), "skylift": __version__, **releases, **of_libraries}


def libraries_of(estimator: Any) -> list[str]:
    """Names of the libraries, beside scikit-learn, whose estimators an estimator is made of."""
    return sorted(packages_of(estimator) & LIBRARIES.keys())


def packages_of(estimator: Any) -> set[str]:
    """Names of the packages that an estimator is made of: of its classes, and of functions among its parameters."""
    parts = [estimator, *estimator.get_params().values()]
    modules = {base.__module__ for part in parts for base in type(part).__mro__}
    modules |= {str(getattr(part, "__module__", "")) for part in parts}
    return {module.partition(".")[0] for module in modules}
