"""Makes the estimators that `model.yaml` names, and those within them."""

import inspect
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

from skylift.errors import FOREIGN_FAILURES, ConfigError
from skylift.libraries import LIBRARIES
from skylift.names import did_you_mean
from skylift.own_code import NO_CODE, NotInTheImage, OwnCode
from training.config.candidates import Candidate, Nested
from training.extras import require

_SEEDS = {"random_state", "random_seed", "seed"}
_DEFAULTS: dict[str, dict[str, Any]] = {
    "catboost": {"verbose": False, "allow_writing_files": False, "thread_count": 1},
    "lightgbm": {"verbosity": -1, "n_jobs": 1, "deterministic": True, "force_row_wise": True},
    "xgboost": {"n_jobs": 1},
    "sklearn.ensemble.VotingClassifier": {"voting": "soft"},
}
"""Parameters by library or class that are others than its own: no chatter and no files, probabilities, and one thread,
since the order in which threads add decides the last digits. Fits run beside each other instead."""


_ESTIMATOR = "choose a class with fit and get_params: one of your own derives from sklearn.base.BaseEstimator"


def instantiate(candidate: Candidate, seed: int, code: OwnCode = NO_CODE) -> Any:
    """Make a candidate's estimator with its fixed parameters.

    Parameters
    ----------
    seed
        Random seed for all that take one and were given none.
    code
        The user's own modules, which its classes may be from.

    Raises
    ------
    ConfigError
        A class or a parameter does not exist, a library is not installed, or an estimator that is needed is missing.
    """
    with code.importable():
        model = _made(candidate, candidate.name, seed, code)
    for name in candidate.search.parameters if candidate.search else ():
        _check(candidate.name, model, name)
    return model


def innermost(estimator: Any) -> list[Any]:
    """The classifiers and regressors that an estimator is made of, without those that only put others together."""
    parts = [part for part in _parts(estimator) if hasattr(part, "predict")]
    return [one for part in parts for one in innermost(part)] or [estimator]


def _parts(estimator: Any) -> Iterator[Any]:
    """Estimators among the parameters of one."""
    for value in estimator.get_params(deep=False).values():
        for item in value if isinstance(value, list) else [value]:
            part = item[1] if isinstance(item, tuple) and len(item) > 1 else item
            if hasattr(part, "get_params") and not inspect.isclass(part):
                yield part


def _made(spec: Candidate | Nested, candidate: str, seed: int, code: OwnCode) -> Any:
    factory = _class(spec.estimator, candidate, code)
    known = _parameters(factory)
    within = {name: value for name, value in spec.params.items() if "__" in name}
    given = {name: _value(value, candidate, seed, code) for name, value in spec.params.items() if name not in within}
    if unknown := [name for name in given if name not in known]:
        raise _no_parameter(candidate, factory, unknown[0], known)
    if missing := [name for name, needed in known.items() if needed and name not in given]:
        raise ConfigError(
            f"candidate {candidate}: {factory.__name__} needs other estimators as {missing[0]}",
            f"write {missing[0]} in params: an estimator with its params, or a list of them",
        )
    packages = {base.__module__.partition(".")[0] for base in inspect.getmro(factory)}
    defaults = _DEFAULTS.get(spec.estimator, {})
    for package in sorted(packages & LIBRARIES.keys()):
        defaults = _DEFAULTS.get(package, {}) | defaults
    if "random_state" in known and not given.keys() & _SEEDS:
        defaults = defaults | {"random_state": seed}
    model = factory(**defaults | given)
    for name, value in within.items():
        _check(candidate, model, name)
        model.set_params(**{name: _value(value, candidate, seed, code)})
    return model


def _value(value: Any, candidate: str, seed: int, code: OwnCode) -> Any:
    """A parameter as the estimator takes it; a list of estimators gets names."""
    if isinstance(value, Nested):
        return _made(value, candidate, seed, code)
    if isinstance(value, list) and any(isinstance(item, Nested) for item in value):
        return [(_name(item, number), _value(item, candidate, seed, code)) for number, item in enumerate(value)]
    return value


def _name(item: Any, number: int) -> str:
    if isinstance(item, Nested):
        return item.name or item.estimator.rpartition(".")[2].lower()
    return f"step{number}"


def _class(path: str, candidate: str, code: OwnCode) -> Any:
    module, _, name = path.rpartition(".")
    library = module.partition(".")[0]
    found = _own(module, candidate, code) if library in code.names else _installed(path, candidate)
    factory = getattr(found, name, None)
    if factory is None:
        hint = did_you_mean(name, [each for each in dir(found) if not each.startswith("_")])
        raise ConfigError(f"candidate {candidate}: there is no {path}", hint)
    if not (inspect.isclass(factory) and hasattr(factory, "get_params") and hasattr(factory, "fit")):
        raise ConfigError(f"candidate {candidate}: {path} is not a scikit-learn estimator", _ESTIMATOR)
    return factory


def _installed(path: str, candidate: str) -> Any:
    """The module of a class that is installed."""
    module = path.rpartition(".")[0]
    library = module.partition(".")[0]
    if library in LIBRARIES:
        require(library, purpose=f"candidate {candidate}", extra=library)
    try:
        return import_module(module)
    except ImportError as error:
        raise ConfigError(f"candidate {candidate}: there is no {path}", "check the name") from error


def _own(module: str, candidate: str, code: OwnCode) -> Any:
    """One of the user's own modules."""
    try:
        return import_module(module)
    except (*FOREIGN_FAILURES, OSError) as error:
        place = code.place_of(error) or code.path_of(module) or module
        said = f"candidate {candidate}: {module} cannot be imported ({place}: {type(error).__name__}: {error})"
        hint = "run it in Python by itself, and fix it"
        if isinstance(error, NotInTheImage):
            hint = f"add {error.name} to functions/inference/requirements.txt, or do without it"
        elif isinstance(error, ModuleNotFoundError) and error.name:
            hint = f"install {error.name} here, and add it to functions/inference/requirements.txt; or do without it"
        raise ConfigError(said, hint) from error


def _parameters(factory: Any) -> dict[str, bool]:
    """Names of a class's parameters, and whether each must be given; those of its bases where it passes others on."""
    names: dict[str, bool] = {}
    for base in inspect.getmro(factory):
        if "__init__" not in vars(base):
            continue
        parameters = list(inspect.signature(vars(base)["__init__"]).parameters.values())[1:]
        kinds = {parameter.kind for parameter in parameters}
        for parameter in parameters:
            if parameter.kind not in {parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL}:
                names.setdefault(parameter.name, parameter.default is parameter.empty)
        if inspect.Parameter.VAR_KEYWORD not in kinds:
            break
    if factory.__module__.partition(".")[0] == "lightgbm":
        from lightgbm.basic import _ConfigAliases

        passed_on = _ConfigAliases.get(*_ConfigAliases._get_all_param_aliases())  # noqa: SLF001 (there is no other list)
        names = dict.fromkeys(sorted(passed_on), False) | names
    return names


def _check(candidate: str, model: Any, name: str) -> None:
    """Refuse a parameter of an estimator, or of one within it, that does not exist."""
    *path, last = name.split("__")
    holder = model
    for part in path:
        held = holder.get_params() if hasattr(holder, "get_params") else {}
        if part not in held:
            raise _no_parameter(candidate, type(model), name, held)
        holder = held[part]
    known = [*_parameters(type(holder)), *holder.get_params()] if hasattr(holder, "get_params") else []
    if last not in known:
        raise _no_parameter(candidate, type(model), name, known)


def _no_parameter(candidate: str, factory: Any, name: str, known: Iterable[str]) -> ConfigError:
    hint = did_you_mean(name.rpartition("__")[2], list(known))
    return ConfigError(f"candidate {candidate}: {factory.__name__} has no parameter {name!r}", hint)
