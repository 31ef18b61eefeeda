"""Compares answers with those recorded in training, and says how close is close enough.

No numpy here: a function that asks another for its answers compares as the process that loads a model does.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from skylift.contract import class_key
from skylift.errors import CodeRefused, GoldenMismatch
from skylift.figures import exact_text
from skylift.manifest import Manifest, Prediction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LARGEST_LOG_ODDS_DIFFERENCE = 1e-3
"""Tolerance of a classification."""
LARGEST_SHARE_OF_RMSE = 1e-3
"""Tolerance of a regression, by the root mean squared error on its holdout."""
OLD_TOLERANCE = 1e-5
"""Largest relative or absolute difference in versions that name no tolerance."""

_ROUNDING_OF_PROBABILITIES = 1e-14
_ROUNDING_OF_VALUES = 1e-12


def allowed_difference[T: (float, "NDArray[np.float64]")](expected: T, tolerance: float, *, probability: bool) -> T:
    """Largest difference to an expected number.

    A probability may differ by a fraction of its odds: `tolerance` times the slope of the logistic function, so
    that both ends are told apart as well as the middle, down to what adding up doubles rounds away. A value may differ
    by `tolerance`, and by the rounding of doubles.

    Parameters
    ----------
    expected
        Probability or value, or an array of them.
    tolerance
        Largest difference in log-odds, or on the scale of the target.
    probability
        Whether it is a probability.

    Examples
    --------
    >>> allowed_difference(0.5, 1e-3, probability=True)
    0.00025000000001
    >>> abs(0.0 - 5.4e-13) <= allowed_difference(5.4e-13, 1e-3, probability=True)
    False
    >>> abs(1e-16 - 1e-20) <= allowed_difference(1e-20, 1e-3, probability=True)
    True
    """
    if probability:
        return expected * (1 - expected) * tolerance + _ROUNDING_OF_PROBABILITIES
    return abs(expected) * _ROUNDING_OF_VALUES + tolerance


def tolerance_of_values(rmse: float, largest: float) -> float:
    """Tolerance of a regression.

    Parameters
    ----------
    rmse
        Root mean squared error on the holdout.
    largest
        Largest absolute target there: the rounding of doubles of that size is always allowed.
    """
    return max(LARGEST_SHARE_OF_RMSE * rmse, _ROUNDING_OF_VALUES * largest)


def agree(got: Prediction, expected: Prediction, tolerance: float | None) -> bool:
    """Whether an answer is the recorded one: the same label, and every number close enough.

    Parameters
    ----------
    got, expected
        Answers to the same request.
    tolerance
        Tolerance of the golden requests; see `Golden`.
    """
    ours, theirs = _numbers(got), _numbers(expected)
    probability = expected.value is None
    return (
        got.label == expected.label
        and ours.keys() == theirs.keys()
        and all(_close(ours[name], theirs[name], tolerance, probability=probability) for name in ours)
    )


def check_predictions(
    document: Mapping[str, Any], manifest: Manifest, expected: Sequence[Prediction], *, first: int
) -> None:
    """Check what `/predict` answers to golden requests.

    Parameters
    ----------
    document
        The answer.
    manifest
        Manifest of the version that answers.
    expected
        Answers recorded in training.
    first
        Number of the first of these requests, from 1.

    Raises
    ------
    CodeRefused
        It is not an answer to these requests.
    GoldenMismatch
        An answer differs from the one in training.
    """
    try:
        got = [Prediction.model_validate(item) for item in document["predictions"]]
    except (KeyError, TypeError, ValidationError) as error:
        raise CodeRefused("/predict answers with something other than predictions", "see its code") from error
    if document.get("model") != manifest.model or len(got) != len(expected):
        raise CodeRefused(
            f"/predict answers with {len(got)} predictions of {document.get('model')}, "
            f"not {len(expected)} of {manifest.model}",
            "see its code",
        )
    for number, (ours, theirs) in enumerate(zip(got, expected, strict=True), start=first):
        if not agree(ours, theirs, manifest.golden.tolerance):
            raise GoldenMismatch(
                f"golden request {number} is answered {brief(ours, theirs)}, not {brief(theirs, ours)} as in training",
                "do not deploy it: compare its requirements with those the model was trained with",
            )


def brief(prediction: Prediction, other: Prediction) -> str:
    """An answer in a few characters, for an error that compares it with another: a number in which they differ."""
    if prediction.value is not None:
        return exact_text(prediction.value)
    ours, theirs = _numbers(prediction), _numbers(other)
    if prediction.label is None or not ours:
        return str(prediction.label)
    name = class_key(prediction.label)
    if prediction.label == other.label and ours.keys() == theirs.keys():
        name = max(ours, key=lambda key: abs(ours[key] - theirs[key]))
    return f"{name} at {exact_text(ours[name])}" if name in ours else name


def _numbers(prediction: Prediction) -> dict[str, float]:
    """What is compared, by class; a regression has one number, without a class."""
    if prediction.value is not None:
        return {"": prediction.value}
    return prediction.probabilities or {}


def _close(got: float, expected: float, tolerance: float | None, *, probability: bool) -> bool:
    """Infinities equal themselves, NaN equals nothing."""
    if tolerance is None:
        allowed = OLD_TOLERANCE + OLD_TOLERANCE * abs(expected)
    else:
        allowed = allowed_difference(expected, tolerance, probability=probability)
    return got == expected or abs(got - expected) <= allowed < float("inf")
