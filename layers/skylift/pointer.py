"""The pointer: the SSM parameter `/skylift/{stage}/{model}/active`, which names the version that serves.

SSM keeps its history: who moved it, when, from what to what.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, get_args

from botocore.exceptions import ClientError

from skylift.aws import aws_errors, error_code
from skylift.errors import InvalidReference, PointerMoved
from skylift.references import NOTHING, Reference

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_ssm.type_defs import ParameterHistoryTypeDef


type MoveKind = Literal["promotion", "rollback"]
"""What a move was for. SSM keeps it as the description of the value."""


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
    kind
        What it was for; None where nobody said it: older releases did not, and people who write the parameter may not.
    """

    at: datetime
    by: str
    before: str
    after: str
    kind: MoveKind | None = None


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
        value = self.value()
        return None if value == NOTHING else Reference.parse(value)

    def value(self) -> str:
        """What it holds now, a reference or not; `none` if it does not exist.

        Raises
        ------
        AwsUnavailable
            SSM failed.
        """
        with aws_errors(f"reading the pointer {self.name}"):
            try:
                return self._client.get_parameter(Name=self.name)["Parameter"]["Value"]
            except ClientError as error:
                if error_code(error) == "ParameterNotFound":
                    return NOTHING
                raise

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

    def move(self, to: Reference, *, kind: MoveKind = "promotion", seen: str | None = None) -> None:
        """Make the pointer name another version.

        SSM cannot compare and set, so the value is compared before the write, and the history after it.

        Parameters
        ----------
        kind
            What it is for: only a rollback leaves a version for good.
        seen
            Value that the decision was based on; None to replace whatever is there.

        Raises
        ------
        PointerMoved
            Somebody else moved it meanwhile; the message says whether anything was written.
        AwsUnavailable
            SSM failed.
        """
        if seen is not None and (value := self.value()) != seen:
            raise PointerMoved(
                f"the pointer was moved meanwhile, from {_short(seen)} to {_short(value)}: nothing was written",
                "see `skylift history`, and decide again",
            )
        with aws_errors(f"moving the pointer {self.name}"):
            answer = self._client.put_parameter(
                Name=self.name, Value=str(to), Description=kind, Type="String", Overwrite=True
            )
        if seen is not None:
            self._check_replaced(answer["Version"], to, seen)

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
            for entry in self._entries():
                after = entry["Value"]
                if entry["Version"] == 1:
                    before = NOTHING
                if before is not None:
                    kind = _kind(entry.get("Description"))
                    moves.append(Move(entry["LastModifiedDate"], entry["LastModifiedUser"], before, after, kind))
                before = after
        return moves

    def _entries(self) -> "Iterator[ParameterHistoryTypeDef]":
        """SSM's entries, oldest first."""
        try:
            for page in self._client.get_paginator("get_parameter_history").paginate(Name=self.name):
                yield from page["Parameters"]
        except ClientError as error:
            if error_code(error) != "ParameterNotFound":
                raise

    def _check_replaced(self, number: int, to: Reference, seen: str) -> None:
        """Compare what the write with this number replaced; a write whose answer was lost was tried again."""
        with aws_errors(f"{self.name} names {to.name} now, but reading what that replaced"):
            earlier = [entry for entry in self._entries() if entry["Version"] < number and entry["Value"] != str(to)]
        if earlier and earlier[-1]["Value"] != seen:
            replaced = earlier[-1]
            raise PointerMoved(
                f"{to.name} is active, and replaced {_short(replaced['Value'])}, "
                f"which {replaced['LastModifiedUser']} made active at the same time",
                "agree on one of them, and promote it: see `skylift history`",
            )


def way_back(moves: Sequence[Move]) -> list[Reference]:
    """The versions that lead to the present one, oldest first, without those that a rollback left.

    Parameters
    ----------
    moves
        Moves of the pointer, oldest first.

    Returns
    -------
    The active version is the last, if the pointer names one. A promotion is a step forward, also to a version that was
    active before. A rollback is a return, and so is a move to an earlier version of which nobody said what it was for.
    """
    way: list[Reference] = []
    for value, kind in _values(moves):
        try:
            reference = Reference.parse(value)
        except InvalidReference:  # `none`, or something that was written by hand
            continue
        if kind == "promotion" or reference not in way:
            way.append(reference)
        elif reference != way[-1]:
            left = way[-1]
            while way[-1] != reference:
                way.pop()
            way = [passed for passed in way if passed != left]
    return way


def _values(moves: Sequence[Move]) -> Iterator[tuple[str, MoveKind | None]]:
    """The values that the pointer held, with what moved it there."""
    if moves:
        yield moves[0].before, None
    for move in moves:
        yield move.after, move.kind


def _kind(description: str | None) -> MoveKind | None:
    kinds: tuple[MoveKind, ...] = get_args(MoveKind.__value__)
    return next((kind for kind in kinds if kind == description), None)


def _short(value: str) -> str:
    """A value of the pointer, without the digest of a reference."""
    return value.partition("@")[0][:100]
