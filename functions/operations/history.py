"""Which versions there are, and who made them active: what S3 and SSM know of the model, for the page."""

import re
import time
from collections.abc import Callable

from skylift.pointer import ActivePointer, Move
from skylift.store import VersionStore

SECONDS = 30
"""Age at which both are read again: SSM answers few reads a second, and the service needs them."""

_ACCOUNT = re.compile(r"^arn:[^:]*:[^:]*:[^:]*:[^:]*:")


class History:
    """The versions of a model and the moves of its pointer.

    Parameters
    ----------
    pointer
        Pointer to the active version.
    store
        Versions of the model.
    clock
        Function that returns monotonic seconds.
    """

    def __init__(
        self, pointer: ActivePointer, store: VersionStore, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._pointer = pointer
        self._store = store
        self._clock = clock
        self._kept: tuple[float, dict[str, object]] | None = None

    def read(self) -> dict[str, object]:
        """The answer of `/history`: names of the versions and the moves that SSM still knows, both the newest first.

        Raises
        ------
        AwsUnavailable
            S3 or SSM failed.
        """
        now = self._clock()
        if self._kept is None or now - self._kept[0] >= SECONDS:
            moves = [_told(move) for move in reversed(self._pointer.history()) if move.before != move.after]
            versions = [f"v{number}" for number in reversed(self._store.numbers())]
            self._kept = now, {"versions": versions, "moves": moves}
        return self._kept[1]


def _told(move: Move) -> dict[str, object]:
    """A move, with who did it as far as callers are to know: not the number of the account."""
    return {
        "at": move.at,
        "by": _ACCOUNT.sub("", move.by),
        "from": move.before,
        "to": move.after,
        "kind": move.kind,
        "tool": move.tool or None,
    }
