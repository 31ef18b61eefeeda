"""What each instance was answered: a member of the line of its request, where labels are to be joined with it.

`"answers"` has one entry for each instance in order: the code of the predicted class, or the predicted value with seven
digits; null for one that is not finite. It is written with the request's `"id"`, whatever the number of instances.
"""

import math
from collections.abc import Sequence

MAX_BYTES = 64 * 2**10
"""CloudWatch takes 256 KiB a line, of which the profile may have the half: longer answers are left out."""

_DIGITS = 7
_LONGEST = len("-1.234567e-308,")


def encode(answers: Sequence[int] | Sequence[float]) -> list[int] | list[float | None] | None:
    """The member of a line.

    Parameters
    ----------
    answers
        Class codes, or predicted values.

    Returns
    -------
    list or None
        None where it would be too long.
    """
    if _LONGEST * len(answers) > MAX_BYTES:
        return None
    return [
        answer if isinstance(answer, int) else float(f"{answer:.{_DIGITS}g}") if math.isfinite(answer) else None
        for answer in answers
    ]


def decode(member: object) -> list[float] | None:
    """The answers of a line, NaN for null; None where it has none that can be read."""
    if not isinstance(member, list) or not all(entry is None or type(entry) in {int, float} for entry in member):
        return None
    return [math.nan if entry is None else float(entry) for entry in member]
