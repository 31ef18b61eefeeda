"""Libraries whose models a version may be, beside scikit-learn: the service needs them where no form was compiled."""

LIBRARIES = {"catboost": ("catboost",), "lightgbm": ("lightgbm",), "xgboost": ("xgboost", "xgboost-cpu")}
"""Packages that a library can be installed as, by the name that it is imported by."""


def installed_release(library: str) -> str | None:
    """Release of a library on this machine; None where it is not installed."""
    from importlib.metadata import PackageNotFoundError, version  # costs a compiled model nothing here

    for package in LIBRARIES[library]:
        try:
            return version(package)
        except PackageNotFoundError:
            continue
    return None
