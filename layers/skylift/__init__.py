"""What functions and training share: contract, manifest, references, registry, observability, errors.

The names in `__all__` are the public ones. Each is imported when it is first used, so that a function which needs one
module pays for no other.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skylift.contract import Contract, Target, class_key
    from skylift.encoding import RowEncoder, load_encoder
    from skylift.errors import SkyliftError
    from skylift.feature import Feature
    from skylift.manifest import Manifest, Prediction
    from skylift.predictors import load_predictor
    from skylift.references import Reference
    from skylift.registry import Registry
    from skylift.scoring import Predictor, predictions
    from skylift.settings import RegistrySettings
    from skylift.verification import Version
    from skylift.version import __version__

__all__ = [
    "Contract",
    "Feature",
    "Manifest",
    "Prediction",
    "Predictor",
    "Reference",
    "Registry",
    "RegistrySettings",
    "RowEncoder",
    "SkyliftError",
    "Target",
    "Version",
    "__version__",
    "class_key",
    "load_encoder",
    "load_predictor",
    "predictions",
]

_MODULES = {
    "Contract": "contract",
    "Feature": "feature",
    "Manifest": "manifest",
    "Prediction": "manifest",
    "Predictor": "scoring",
    "Reference": "references",
    "Registry": "registry",
    "RegistrySettings": "settings",
    "RowEncoder": "encoding",
    "SkyliftError": "errors",
    "Target": "contract",
    "Version": "verification",
    "__version__": "version",
    "class_key": "contract",
    "load_encoder": "encoding",
    "load_predictor": "predictors",
    "predictions": "scoring",
}


def imported_when_used(package: str, modules: Mapping[str, str]) -> Callable[[str], object]:
    """The `__getattr__` of a package whose public names are imported when they are first used.

    Parameters
    ----------
    package
        Name of the package.
    modules
        Module of each public name, relative to the package.
    """

    def attribute(name: str) -> object:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{modules[name]}"), name)

    return attribute


if not TYPE_CHECKING:  # a type checker must not take every name for a public one
    __getattr__ = imported_when_used(__name__, _MODULES)


def __dir__() -> list[str]:
    return __all__
