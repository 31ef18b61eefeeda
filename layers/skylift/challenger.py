"""The challenger: the SSM parameter `/skylift/{stage}/{model}/challenger`, which names a version on trial.

It holds one line of JSON, or `none`. The pointer beside it stays what it is: one reference.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from skylift.documents import ReferenceText, first_fault
from skylift.errors import InvalidChallenger
from skylift.references import NOTHING

type Mode = Literal["shadow", "canary"]
"""`shadow`: it scores what the champion answers. `canary`: it answers."""

VARIANT_HEADER = "x-skylift-variant"
"""Header of an answer: who made it. In a request, `champion` asks for the champion, as checks of its answers do."""

BY_REQUEST = "request"
BY_CALLER = "caller"
KEY = r"request|caller|header:[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}"
"""Pattern of what routing follows."""

_HEADER = "header:"


def challenger_name(stage: str, model: str) -> str:
    """Name of the SSM parameter that names a model's challenger."""
    return f"/skylift/{stage}/{model}/challenger"


class Challenger(BaseModel):
    """A version on trial.

    Parameters
    ----------
    id
        Name of the experiment, also in S3: letters, digits, `-` and `_`.
    reference
        Version and digest.
    mode
        Whether it answers, or scores beside the champion.
    percent
        Share of the requests in per cent, to a hundredth.
    key
        What routing follows: `header:NAME`, `caller`, or `request`, which keeps nobody with the same version.
    started
        Time at which the experiment began, with its zone.
    by
        Starter: an ARN, or the name of a workflow.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}\z")]
    reference: ReferenceText
    mode: Mode
    percent: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
    key: Annotated[str, Field(pattern=rf"^({KEY})\z")] = BY_REQUEST
    started: AwareDatetime
    by: Annotated[str, Field(min_length=1, max_length=2048)]

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read the parameter.

        Returns
        -------
        Challenger or None
            None where no version is on trial.

        Raises
        ------
        InvalidChallenger
            The text is neither `none` nor the JSON of a challenger.

        Examples
        --------
        >>> Challenger.parse("none") is None
        True
        """
        if text == NOTHING:
            return None
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise InvalidChallenger(
                f"the challenger cannot be read: {first_fault(error)}", "write it with `skylift challenge`"
            ) from error

    def __str__(self) -> str:
        """The JSON that the parameter holds."""
        return self.model_dump_json()

    @property
    def words(self) -> str:
        """The version and its share for people: `v8 (canary, 5%)`."""
        return f"{self.reference.name} ({self.mode}, {self.percent:g}%)"

    @property
    def header(self) -> str | None:
        """Name in lower case of the header that routing follows; None for another key."""
        return self.key.removeprefix(_HEADER).lower() if self.key.startswith(_HEADER) else None

    def key_of(self, request_id: str, caller: str | None, headers: Mapping[str, str]) -> str:
        """The key of a request; its id where it lacks what the experiment asks for.

        Parameters
        ----------
        request_id
            Id of the request.
        caller
            Subject of the caller's token, or ARN; None if nobody signed.
        headers
            Headers by name in lower case.
        """
        if self.header:
            return headers.get(self.header) or request_id
        return (caller if self.key == BY_CALLER else None) or request_id
