"""Pickles that do more than hold a model: they tell whether somebody opened them, or end who does."""

import io
import sys
from pathlib import Path

import joblib


class _Trap:
    def __init__(self, sprung: Path) -> None:
        self._sprung = sprung

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self._sprung,)


class _Exit:
    def __reduce__(self) -> tuple[object, tuple[int]]:
        return sys.exit, (0,)


def trap(sprung: Path) -> bytes:
    """What joblib stores of an object that makes a file when it is loaded."""
    return _stored(_Trap(sprung))


class _Program:
    def __init__(self, source: str) -> None:
        self._source = source

    def __reduce__(self) -> tuple[object, tuple[str, dict[str, object]]]:
        return exec, (self._source, {})


def running(source: str) -> bytes:
    """What joblib stores of an object that runs a program when it is loaded."""
    return _stored(_Program(source))


def exiting() -> bytes:
    """What joblib stores of an object that ends the interpreter, as a success, when it is loaded."""
    return _stored(_Exit())


def _stored(thing: object) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(thing, buffer)
    return buffer.getvalue()
