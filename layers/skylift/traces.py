"""Writes where a failure came from without the values that it came from: its words may hold those of a request."""

import traceback

from skylift.errors import SkyliftError

_MAX_CHAIN = 10


def words_of(failure: BaseException) -> str:
    """What a failure says of itself: its class, and its message if it is one of Skylift's own."""
    kind = type(failure)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"{name}: {failure.message}" if isinstance(failure, SkyliftError) else name


def trace_of(failure: BaseException) -> str:
    """The trace of a failure and of those that led to it, the first one first, as Python writes it but for the words.

    Examples
    --------
    >>> try:
    ...     int("secret")
    ... except ValueError as error:
    ...     trace_of(error).splitlines()[-1]
    'ValueError'
    """
    chain: list[BaseException] = []
    cause: BaseException | None = failure
    while cause is not None and cause not in chain and len(chain) < _MAX_CHAIN:
        chain.append(cause)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "\n\n".join(map(_one, reversed(chain)))


def _one(failure: BaseException) -> str:
    frames = "".join(traceback.format_tb(failure.__traceback__))
    return f"Traceback (most recent call last):\n{frames}{words_of(failure)}"
