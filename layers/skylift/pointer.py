"""The pointer: the SSM parameter `/skylift/{stage}/{model}/active`, which names the version that serves.

SSM keeps its history: who moved it, when, from what to what.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from skylift.aws import aws_errors, error_code
from skylift.references import NOTHING, Reference

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


@dataclass(frozen=True, slots=True)
class Move:
    """One change of the pointer.

    Parameters
    ----------
    at
        Time of the change.
    by
        ARN of the caller, as SSM recorded it.
    before, after
        Values before and after; `none` for no version.
    """

    at: datetime
    by: str
    before: str
    after: str


def pointer_name(stage: str, model: str) -> str:
    """Name of the SSM parameter that names a model's active version."""
    return f"/skylift/{stage}/{model}/active"


class ActivePointer:
    """The pointer of one model in one stage.

    Parameters
    ----------
    stage
        Name of the stage, for example `dev`.
    model
        Name of the model.
    client
        Botocore client for SSM.
    """

    def __init__(self, stage: str, model: str, *, client: "SSMClient") -> None:
        self.name = pointer_name(stage, model)
        self._client = client

    def read(self) -> Reference | None:
        """What the pointer names now; None before the first promotion.

        Raises
        ------
        InvalidReference
            Its value is not a reference.
        AwsUnavailable
            SSM failed.
        """
        with aws_errors(f"reading the pointer {self.name}"):
            try:
                value = self._client.get_parameter(Name=self.name)["Parameter"]["Value"]
            except ClientError as error:
                if error_code(error) == "ParameterNotFound":
                    return None
                raise
        return None if value == NOTHING else Reference.parse(value)

    def create(self) -> bool:
        """Make the pointer, with the value `none`; an existing pointer keeps its value.

        Returns
        -------
        Whether it was made.

        Raises
        ------
        AwsUnavailable
            SSM failed.
        """
        with aws_errors(f"making the pointer {self.name}"):
            try:
                self._client.put_parameter(Name=self.name, Value=NOTHING, Type="String", Overwrite=False)
            except ClientError as error:
                if error_code(error) == "ParameterAlreadyExists":
                    return False
                raise
        return True

    def move(self, to: Reference) -> None:
        """Make the pointer name another version.

        Raises
        ------
        AwsUnavailable
            SSM failed.
        """
        with aws_errors(f"moving the pointer {self.name}"):
            self._client.put_parameter(Name=self.name, Value=str(to), Type="String", Overwrite=True)

    def history(self) -> list[Move]:
        """Every change that SSM still knows whole, oldest first (it keeps the last 100 values).

        Raises
        ------
        AwsUnavailable
            SSM failed.
        """
        moves: list[Move] = []
        before: str | None = None
        with aws_errors(f"reading the history of {self.name}"):
            try:
                for page in self._client.get_paginator("get_parameter_history").paginate(Name=self.name):
                    for entry in page["Parameters"]:
                        after = entry["Value"]
                        if entry["Version"] == 1:
                            before = NOTHING
                        if before is not None:
                            moves.append(Move(entry["LastModifiedDate"], entry["LastModifiedUser"], before, after))
                        before = after
            except ClientError as error:
                if error_code(error) != "ParameterNotFound":
                    raise
        return moves
