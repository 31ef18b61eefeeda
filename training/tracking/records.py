"""What tracking hands to the command line: where a training was recorded, or why it was not. It needs no MLflow."""

import re
from dataclasses import dataclass

from skylift.errors import SkyliftError

LOCAL_SCHEME = "sqlite:///"
"""Beginning of the address of a store on this machine."""


class TrackingUnavailable(SkyliftError):
    """MLflow did not take what was to be tracked."""

    code = "tracking-unavailable"


@dataclass(frozen=True, slots=True)
class Tracked:
    """Where a training is found in MLflow.

    Parameters
    ----------
    address
        Address of the store, without a password.
    run_id
        Identifier of the parent run.
    registered
        Model version, for example `dev.iris version 3`; None if nothing was published.
    """

    address: str
    run_id: str
    registered: str | None

    def __str__(self) -> str:
        return f"run {self.run_id}{f', {self.registered}' if self.registered else ''} in {self.address}"


def without_password(text: str) -> str:
    """A text with URLs as it may be shown.

    Examples
    --------
    >>> without_password("https://ada:secret@mlflow.example/")
    'https://mlflow.example/'
    """
    return re.sub(r"(?<=://)[^/@\s]*@", "", text)
