"""An SSM parameter that names versions: everybody reads it, few write it, and its history counts.

SSM cannot compare and set. So the value is compared before a write, and the history after it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from botocore.exceptions import ClientError

from skylift.aws import aws_errors, error_code
from skylift.errors import RegistryError
from skylift.references import NOTHING

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_ssm.type_defs import ParameterHistoryTypeDef

_LONGEST_DESCRIPTION = 1024


@dataclass(frozen=True, slots=True)
class Change:
    """One value that the parameter got.

    Parameters
    ----------
    number
        SSM's number of the value, from 1.
    at
        Time of the change.
    by
        ARN of the caller, as SSM recorded it.
    before, after
        Values before and after; `none` for nothing.
    description
        What it was for and through which tool; empty where nobody said it.
    """

    number: int
    at: datetime
    by: str
    before: str
    after: str
    description: str = ""

    @property
    def tool(self) -> str:
        """What was used, by the description: what stands between ` by ` and `: `. Empty where it does not say it."""
        return self.description.partition(" by ")[2].partition(": ")[0]


class Parameter:
    """A parameter of one model in one stage; its subclasses say what its values mean.

    Parameters
    ----------
    stage
        Name of the stage, for example `dev`.
    model
        Name of the model.
    client
        Botocore client for SSM.
    """

    named: Callable[[str, str], str]
    """Function from a stage and a model to the name of the parameter."""

    what: ClassVar[str]
    """The parameter in a word, for errors."""

    state: ClassVar[str]
    """What a version is that it names: `active`."""

    again: ClassVar[str]
    """How to write it again, in words."""

    moved: ClassVar[type[RegistryError]]
    """Raised where somebody else wrote at the same time."""

    def __init__(self, stage: str, model: str, *, client: "SSMClient") -> None:
        self.name = self.named(stage, model)
        self._client = client

    def value(self) -> str:
        """What it holds now, whatever that is; `none` if it does not exist.

        Raises
        ------
        AwsUnavailable
            SSM failed.
        """
        with aws_errors(f"reading the {self.what} {self.name}"):
            try:
                return self._client.get_parameter(Name=self.name)["Parameter"]["Value"]
            except ClientError as error:
                if error_code(error) == "ParameterNotFound":
                    return NOTHING
                raise

    def create(self) -> bool:
        """Make the parameter, with the value `none`; one that exists keeps its value.

        Returns
        -------
        Whether it was made.

        Raises
        ------
        AwsUnavailable
            SSM failed.
        """
        with aws_errors(f"making the {self.what} {self.name}"):
            try:
                self._client.put_parameter(Name=self.name, Value=NOTHING, Type="String", Overwrite=False)
            except ClientError as error:
                if error_code(error) == "ParameterAlreadyExists":
                    return False
                raise
        return True

    def changes(self) -> list[Change]:
        """Every change that SSM still knows whole, oldest first (it keeps the last 100 values).

        Raises
        ------
        AwsUnavailable
            SSM failed.
        """
        changes: list[Change] = []
        before: str | None = None
        with aws_errors(f"reading the history of {self.name}"):
            for entry in self._entries():
                number, after = entry["Version"], entry["Value"]
                if number == 1:
                    before = NOTHING
                if before is not None:
                    at, by = entry["LastModifiedDate"], entry["LastModifiedUser"]
                    changes.append(Change(number, at, by, before, after, entry.get("Description", "")))
                before = after
        return changes

    def short(self, value: str) -> str:
        """A value in a few characters, for people."""
        return value[:100]

    def _replace(self, value: str, *, seen: str | None, description: str) -> None:
        """Write a value.

        Parameters
        ----------
        seen
            Value that the decision was based on; None to replace whatever is there.
        description
            What the change is for and through which tool.
        """
        if seen is not None and (now := self.value()) != seen:
            raise self.moved(
                f"the {self.what} was moved meanwhile, from {self.short(seen)} to {self.short(now)}: "
                "nothing was written",
                "see `skylift history`, and decide again",
            )
        with aws_errors(f"moving the {self.what} {self.name}"):
            answer = self._client.put_parameter(
                Name=self.name,
                Value=value,
                Description=description[:_LONGEST_DESCRIPTION],
                Type="String",
                Overwrite=True,
            )
        if seen is not None:
            self._check_replaced(answer["Version"], value, seen)

    def _check_replaced(self, number: int, value: str, seen: str) -> None:
        """Compare what the write with this number replaced; a write whose answer was lost was tried again."""
        short = self.short(value)
        with aws_errors(f"{self.name} names {short} now, but reading what that replaced"):
            earlier = [entry for entry in self._entries() if entry["Version"] < number and entry["Value"] != value]
        if earlier and earlier[-1]["Value"] != seen:
            replaced = earlier[-1]
            raise self.moved(
                f"{short} is {self.state}, and replaced {self.short(replaced['Value'])}, "
                f"which {replaced['LastModifiedUser']} made {self.state} at the same time",
                f"agree on one of them, and {self.again}: see `skylift history`",
            )

    def _entries(self) -> "Iterator[ParameterHistoryTypeDef]":
        """SSM's entries, oldest first."""
        try:
            for page in self._client.get_paginator("get_parameter_history").paginate(Name=self.name):
                yield from page["Parameters"]
        except ClientError as error:
            if error_code(error) != "ParameterNotFound":
                raise
