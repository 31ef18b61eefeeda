"""The target of the active version, in whose terms labels are."""

import time
from collections.abc import Callable

from skylift.contract import Target
from skylift.errors import AwsUnavailable, IntegrityError, InvalidReference, NoActiveVersion, VersionNotFound
from skylift.observability import logger
from skylift.pointer import ActivePointer
from skylift.store import VersionStore

SECONDS = 60
"""Age at which it is read again."""


class ActiveTarget:
    """Reads the target, and keeps it while SSM and S3 cannot tell a newer one.

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
        self._target: Target | None = None
        self._due = clock()

    def __call__(self) -> Target:
        """The target as it was known at most a minute ago, or longer ago where it cannot be read.

        Raises
        ------
        NoActiveVersion
            No version is active.
        AwsUnavailable, IntegrityError, InvalidReference, VersionNotFound
            It cannot be read, and never was.
        """
        if self._target is None or self._clock() >= self._due:
            try:
                self._target = self._read()
            except (AwsUnavailable, IntegrityError, InvalidReference, VersionNotFound) as error:
                if self._target is None:
                    raise
                logger.warning("the active contract cannot be read", extra={"why": error.message})
            self._due = self._clock() + SECONDS
        return self._target

    def _read(self) -> Target:
        reference = self._pointer.read()
        if reference is None:
            raise NoActiveVersion("no version is active", "promote one: `skylift promote v1`")
        return self._store.resolve(reference).manifest.contract.target
