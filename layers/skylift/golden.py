"""Compares answers with those recorded in training.

No numpy here: a function that asks another for its answers compares as the process that loads a model does.
"""

from skylift.manifest import Prediction

GOLDEN_TOLERANCE = 1e-5
"""Largest relative or absolute difference to a recorded answer: room for another CPU, not for another model."""


def agree(got: Prediction, expected: Prediction) -> bool:
    """Whether an answer is the recorded one: the same label, and every number within `GOLDEN_TOLERANCE`."""
    ours, theirs = _numbers(got), _numbers(expected)
    return (
        got.label == expected.label
        and ours.keys() == theirs.keys()
        and all(_close(ours[name], theirs[name]) for name in ours)
    )


def brief(prediction: Prediction) -> str:
    """An answer in a few characters, for an error."""
    if prediction.value is not None:
        return f"{prediction.value:.6g}"
    return f"{prediction.label} at {max(_numbers(prediction).values(), default=float('nan')):.6f}"


def _numbers(prediction: Prediction) -> dict[str, float]:
    """What is compared, by class; a regression has one number, without a class."""
    if prediction.value is not None:
        return {"": prediction.value}
    return prediction.probabilities or {}


def _close(got: float, expected: float) -> bool:
    """As numpy's `allclose`: infinities equal themselves, NaN equals nothing."""
    return got == expected or abs(got - expected) <= GOLDEN_TOLERANCE + GOLDEN_TOLERANCE * abs(expected) < float("inf")
