"""Estimators that cut their rows once more, to calibrate, to stop early or to choose a parameter.

Left alone they cut at random: rows of a group, or later rows, would then be on both sides again.
"""

from dataclasses import replace
from typing import Any, Literal

from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import TargetEncoder

from skylift.errors import ConfigError
from skylift.scoring import Matrix
from training.data.split_keys import SplitKeys, cut_by
from training.search.candidates import Built

_FOLDS = 5


def without_random_cuts(built: Built, kind: Literal["time", "group"]) -> Built:
    """A candidate that cuts its rows only by `cv`, which `fit_by` gives it.

    Early stopping is off by default, also of the estimators within it: the folds measure what all iterations give.

    Raises
    ------
    ConfigError
        `model.yaml` asks the candidate to cut at random.
    """
    candidate, known = built.candidate, built.estimator.get_params()
    searched = candidate.search.parameters if candidate.search else {}
    asked: dict[str, Any] = {name: [value] for name, value in known.items()}
    asked |= {f"{built.path}{name}": values for name, values in searched.items()}
    for path, values in asked.items():
        place, _, name = path.rpartition("__")
        switch = f"{place}__early_stopping" if place else "early_stopping"
        if isinstance(values, list) and _cuts_at_random(name, values, has_switch=switch in known):
            raise ConfigError(
                f"candidate {candidate.name}: {name} sets rows aside at random, which split.{kind} forbids",
                f"leave {name} out",
            )
    automatic = [
        path for path, value in known.items() if path.rpartition("__")[2] == "early_stopping" and value == "auto"
    ]
    if not automatic:
        return built
    return replace(built, estimator=clone(built.estimator).set_params(**dict.fromkeys(automatic, False)))


def _cuts_at_random(name: str, values: list[Any], *, has_switch: bool) -> bool:
    if name == "n_iter_no_change":  # of gradient boosting; elsewhere it says how long `early_stopping` waits
        return not has_switch and any(value is not None for value in values)
    if name == "eval_fraction":  # of CatBoost
        return any(values)
    return name in {"early_stopping", "probability"} and any(value is True for value in values)


def fit_by(
    keys: SplitKeys | None, estimator: Any, rows: Matrix, targets: NDArray[Any], *, classifies: bool, seed: int
) -> Any:
    """Fit an estimator, its inner folds cut by the keys of the rows; returns it.

    Raises
    ------
    DataError
        The keys leave no inner fold that can be learned.
    """
    parts = estimator.get_params()
    inner = {name: value for name, value in parts.items() if name.rpartition("__")[2] == "cv"}
    encoders = [name for name in inner if isinstance(parts.get(name.rpartition("__")[0]), TargetEncoder)]
    if keys is None or not inner or (keys.kind == "time" and len(encoders) == len(inner)):
        return estimator.fit(rows, targets)
    count = next((value for value in inner.values() if isinstance(value, int)), _FOLDS)
    pairs = cut_by(keys, count, seed, targets if classifies else None)
    last = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    partial = sum(len(test) for _, test in pairs) < len(rows)
    if partial:  # cross-fitting encodes every row, and at random it still keeps a row's own target from its code
        inner = {name: value for name, value in inner.items() if name not in encoders}
    if isinstance(last, CalibratedClassifierCV) and partial:
        return _calibrated_on_the_last(estimator, last, rows, targets, pairs)
    estimator.set_params(**dict.fromkeys(inner, pairs)).fit(rows, targets)
    return estimator.set_params(**inner)  # the folds would be stored with the model


def _calibrated_on_the_last(
    estimator: Any, calibrated: CalibratedClassifierCV, rows: Matrix, targets: NDArray[Any], pairs: list[Any]
) -> Any:
    """Calibrate by the last fold alone, and fit the classifier on all rows as calibration by all folds does.

    Calibration without an ensemble needs each row in one test part, and of time the first rows are in none.
    """
    before = {"cv": calibrated.cv, "ensemble": calibrated.ensemble}
    calibrated.set_params(cv=pairs[-1:], ensemble=True)
    estimator.fit(rows, targets)
    calibrated.set_params(**before)
    prepared = estimator[:-1].fit_transform(rows, targets) if isinstance(estimator, Pipeline) else rows
    (member,) = calibrated.calibrated_classifiers_
    member.estimator = clone(calibrated.estimator).fit(prepared, targets)
    return estimator
