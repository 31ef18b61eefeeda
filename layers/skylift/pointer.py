"""The pointer: the SSM parameter `/skylift/{stage}/{model}/active`, which names the version that serves.

SSM keeps its history: who moved it, when, from what to what.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from skylift.errors import InvalidReference, PointerMoved
from skylift.parameter import Parameter
from skylift.references import NOTHING, Reference

type MoveKind = Literal["promotion", "rollback"]
"""What a move was for. SSM keeps it as the first word of the description of the value."""


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
    tool
        What was used; empty where nobody said it.
    """

    at: datetime
    by: str
    before: str
    after: str
    kind: MoveKind | None = None
    tool: str = ""


def pointer_name(stage: str, model: str) -> str:
    """Name of the SSM parameter that names a model's active version."""
    return f"/skylift/{stage}/{model}/active"


class ActivePointer(Parameter):
    """The pointer of one model in one stage."""

    named = staticmethod(pointer_name)
    what = "pointer"
    state = "active"
    again = "promote it"
    moved = PointerMoved

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

    def move(self, to: Reference, *, kind: MoveKind = "promotion", seen: str | None = None, tool: str = "") -> None:
        """Make the pointer name another version.

        Parameters
        ----------
        kind
            What it is for: only a rollback leaves a version for good.
        seen
            Value that the decision was based on; None to replace whatever is there.
        tool
            What moves it, for the history: `skylift promote`.

        Raises
        ------
        PointerMoved
            Somebody else moved it meanwhile; the message says whether anything was written.
        AwsUnavailable
            SSM failed.
        """
        self._replace(str(to), seen=seen, description=f"{kind} by {tool}" if tool else kind)

    def history(self) -> list[Move]:
        """Every change that SSM still knows whole, oldest first (it keeps the last 100 values).

        Raises
        ------
        AwsUnavailable
            SSM failed.
        """
        return [
            Move(change.at, change.by, change.before, change.after, kind_of(change.description), change.tool)
            for change in self.changes()
        ]

    def short(self, value: str) -> str:
        """A value without the digest of a reference."""
        return value.partition("@")[0][:100]


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


def kind_of(description: str) -> MoveKind | None:
    """What a move was for: the first word of its description. None where nobody said it.

    Examples
    --------
    >>> kind_of("promotion by skylift promote"), kind_of("rollback"), kind_of("by hand")
    ('promotion', 'rollback', None)
    """
    kinds: tuple[MoveKind, ...] = get_args(MoveKind.__value__)
    return next((kind for kind in kinds if kind == description.partition(" ")[0]), None)
