"""What a classifier that was trained elsewhere answers: probabilities, and the threshold that it labels them by."""

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.model_selection._classification_threshold import BaseThresholdClassifier

from skylift.adopted import FrameModel, InOrder, OnnxModel
from skylift.contract import Target
from skylift.errors import UnservableModel
from skylift.figures import exact_text
from skylift.libraries import LIBRARIES
from skylift.scoring import TIE_MARGIN, Matrix, predicted_classes
from training.data.table import Table

_ROUNDING = 1e-5
_BELOW = TIE_MARGIN
"""How far below its own threshold a model's is served: scikit-learn takes a probability that equals it as above it."""


def with_threshold(
    estimator: Any, table: Table, order: list[int] | None, name: str, *, wanted: float | None = None
) -> tuple[Table, list[str]]:
    """The table with the threshold of a model that has one, or with that of `model.yaml`, and a note of it.

    Parameters
    ----------
    estimator
        Fitted model, as it was stored.
    order
        Places of its classes in the order of the contract; None if they are in it.
    name
        Name of the model's file, for an error.
    wanted
        Threshold of `model.yaml`, which goes before that of the model.

    Raises
    ------
    UnservableModel
        Its threshold is of decisions, not of probabilities.
    """
    if wanted is not None:
        positive = table.contract.target.keys[1]
        note = (
            f"its label is {positive} where the probability of that is above {exact_text(wanted)}, as model.yaml says"
        )
        return replace(table, contract=table.contract.with_target(threshold=wanted)), [note]
    last = _last(estimator)
    if not isinstance(last, BaseThresholdClassifier):
        return table, []
    method = last._get_response_method()  # noqa: SLF001 (what it compares: a name, or several of which the first counts)
    if (method if isinstance(method, str) else method[0]) != "predict_proba":
        raise UnservableModel(
            f"{type(last).__name__} in {name} has a threshold of decisions, and a version one of probabilities",
            "set response_method='predict_proba', and fit and store it again",
        )
    tuned = isinstance(last, TunedThresholdClassifierCV)
    given = last.best_threshold_ if tuned else last.threshold
    share = 0.5 if given == "auto" else float(given)
    named = last._curve_scorer._get_pos_label() if tuned else last.pos_label  # noqa: SLF001 (it shows it nowhere else)
    place = 1 if named is None else [*last.classes_].index(named)
    second = (place if order is None else order.index(place)) == 1
    threshold = min(max(share - _BELOW if second else 1 - share, _BELOW), 1 - _BELOW)
    key = table.contract.target.keys[1 if second else 0]
    note = f"its label is {key} where the probability of that is at least {exact_text(share)}, as the model has it"
    return replace(table, contract=table.contract.with_target(threshold=threshold)), [note]


def check_probabilities(model: Any, rows: Matrix, name: str) -> list[str]:
    """Whether a classifier of encoded rows answers with probabilities; a note where they do not sum to 1.

    Raises
    ------
    UnservableModel
        They are outside of 0 to 1.
    """
    given = _raw(model, rows)
    low, high = float(given.min()), float(given.max())
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        raise UnservableModel(
            f"{name} answers with numbers from {low:.3g} to {high:.3g}, which cannot be probabilities",
            "adopt one with the logistic function or softmax in it, or wrap it in "
            "sklearn.calibration.CalibratedClassifierCV, and fit and store that",
        )
    if np.abs(given.sum(axis=1) - 1).max() > _ROUNDING:
        return ["its probabilities of a row do not sum to 1: each is divided by their sum"]
    return []


def labelled_otherwise(model: Any, target: Target, rows: Matrix, scores: Matrix) -> list[str]:
    """A note of the rows that a classifier itself does not label by its probabilities, as they are labelled here.

    Parameters
    ----------
    model
        Fitted classifier of encoded rows.
    scores
        Probabilities of the rows, `[n, classes]`.
    """
    order = [*range(len(target.classes))]
    if isinstance(model, InOrder):
        model, order = model.estimator, model.order
    taken = rows
    if isinstance(model, FrameModel):
        model, taken = model.estimator, model.taken(rows)
    if not hasattr(model, "classes_") or type(_last(model)).__module__.partition(".")[0] in LIBRARIES:
        return []  # it has no labels, or takes the most probable class
    codes = {name: code for code, name in enumerate(np.asarray(model.classes_)[order].tolist())}
    own = [codes.get(label) for label in np.ravel(model.predict(taken)).tolist()]
    count = sum(a != b for a, b in zip(own, predicted_classes(target, scores).tolist(), strict=True))
    words = (
        f"the model's own predict labels {count} of {len(rows)} rows otherwise: a label here is the most probable class"
    )
    return [words] if count else []


def _last(estimator: Any) -> Any:
    """The step of a pipeline that answers; an estimator itself."""
    while hasattr(estimator, "steps"):
        estimator = estimator.steps[-1][1]
    return estimator


def _raw(model: Any, rows: Matrix) -> Matrix:
    """Answers before they are made to sum to 1."""
    if not isinstance(model, OnnxModel):
        return np.asarray(model.predict_proba(rows), dtype=np.float64)
    from onnxruntime import InferenceSession

    session = InferenceSession(model.data, providers=["CPUExecutionProvider"])
    (taken,) = session.get_inputs()
    dtype = np.float32 if taken.type == "tensor(float)" else np.float64
    return np.asarray(session.run(None, {taken.name: rows.astype(dtype)})[0], dtype=np.float64)
