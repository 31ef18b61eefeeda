"""Pickles that tell whether somebody opened them."""

import io
from pathlib import Path

import joblib


class _Trap:
    def __init__(self, sprung: Path) -> None:
        self._sprung = sprung

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self._sprung,)


def trap(sprung: Path) -> bytes:
    """What joblib stores of an object that makes a file when it is loaded."""
    buffer = io.BytesIO()
    joblib.dump(_Trap(sprung), buffer)
    return buffer.getvalue()
