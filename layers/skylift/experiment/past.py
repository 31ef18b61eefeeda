"""What SSM's history tells of experiments: their steps, the champion of their time, and how they ended."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from skylift.challenger import Challenger
from skylift.errors import InvalidChallenger, InvalidReference
from skylift.experiment.record import Ending
from skylift.parameter import Change
from skylift.pointer import Move
from skylift.references import NOTHING, Reference

_ENDINGS: tuple[Ending, ...] = get_args(Ending.__value__)


@dataclass(frozen=True, slots=True)
class Trial:
    """An experiment.

    Parameters
    ----------
    challenger
        Version on trial, at the last step.
    champion
        Version that was active when it began; None where SSM has forgotten.
    ending
        The change that ended it; None while it is under way.
    """

    challenger: Challenger
    champion: Reference | None
    ending: Change | None

    @property
    def told(self) -> tuple[Ending, str]:
        """How and why it ended, by what its last writer said."""
        if self.ending is None:
            return "failed", "it was cut off"
        description = self.ending.description
        outcome = next((each for each in _ENDINGS if each == description.partition(" ")[0]), None)
        if outcome is None:
            return "failed", f"{self.ending.by} wrote the parameter past Skylift"
        return outcome, description.partition(": ")[2] or description


def trial_of(id: str, changes: Sequence[Change], moves: Sequence[Move]) -> Trial | None:  # noqa: A002
    """An experiment by its name; None where SSM knows of none.

    Parameters
    ----------
    changes
        Changes of the challenger's parameter, oldest first.
    moves
        Moves of the pointer, oldest first.
    """
    steps = [(change, step) for change in changes if (step := challenger_in(change.after)) and step.id == id]
    if not steps:
        return None
    (first, _), (last, challenger) = steps[0], steps[-1]
    ending = next((change for change in changes if change.number > last.number), None)
    return Trial(challenger, _active_at(moves, first.at), ending)


def last_ended(changes: Sequence[Change]) -> str | None:
    """Name of the experiment that ended last; None while one is under way, and where none is known."""
    for change in reversed(changes):
        if challenger_in(change.after) is not None:
            return None
        if (ended := challenger_in(change.before)) is not None:
            return ended.id
    return None


def challenger_in(value: str) -> Challenger | None:
    """The challenger that a value names; what cannot be read names none, as for the service."""
    with suppress(InvalidChallenger):
        return Challenger.parse(value)
    return None


def _active_at(moves: Sequence[Move], moment: datetime) -> Reference | None:
    """What the pointer named at a time; None where SSM has forgotten, or it named no version."""
    value = moves[0].before if moves else NOTHING
    for move in moves:
        if move.at <= moment:
            value = move.after
    with suppress(InvalidReference):
        return Reference.parse(value)
    return None
