"""The active version as its manifest describes it: labels are in its terms, and metrics name it."""

import time
from collections.abc import Callable

from skylift.errors import AwsUnavailable, IntegrityError, InvalidReference, NoActiveVersion, VersionNotFound
from skylift.observability import logger
from skylift.pointer import ActivePointer
from skylift.store import VersionStore
from skylift.verification import Version

SECONDS = 60
"""Age at which it is read again."""


class ActiveVersion:
    """Reads which version is active, and keeps it while SSM and S3 cannot tell a newer one.

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
        self._version: Version | None = None
        self._due = clock()

    def __call__(self) -> Version:
        """The version that was active at most a minute ago, or longer ago where it cannot be read.

        Raises
        ------
        NoActiveVersion
            No version is active.
        AwsUnavailable, IntegrityError, InvalidReference, VersionNotFound
            It cannot be read, and never was.
        """
        if self._version is None or self._clock() >= self._due:
            try:
                self._version = self._read()
            except (AwsUnavailable, IntegrityError, InvalidReference, VersionNotFound) as error:
                if self._version is None:
                    raise
                logger.warning("the active version cannot be read", extra={"why": error.message})
            self._due = self._clock() + SECONDS
        return self._version

    def _read(self) -> Version:
        reference = self._pointer.read()
        if reference is None:
            raise NoActiveVersion("no version is active", "promote one: `skylift promote v1`")
        return self._store.resolve(reference)
