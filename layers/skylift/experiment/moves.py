"""Moves of the pointer by a person, who may not know of an experiment: it ends by them, or forbids them."""

from skylift.errors import ExperimentRefused
from skylift.experiment.parameter import ChallengerParameter
from skylift.experiment.past import challenger_in
from skylift.experiment.record import Ending, Experiment
from skylift.experiment.trials import Trials
from skylift.references import Reference
from skylift.registry import Registry


class Moves:
    """Promotes and rolls back the versions of one model.

    Parameters
    ----------
    registry
        Registry of the model.
    parameter
        Parameter that names the challenger.
    trials
        Experiments of the model.
    tool
        What acts, for the history: `skylift promote`.
    """

    def __init__(self, registry: Registry, parameter: ChallengerParameter, trials: Trials, *, tool: str) -> None:
        self._registry = registry
        self._parameter = parameter
        self._trials = trials
        self._tool = tool

    def promote(
        self, version: Reference | str, *, memory_mib: float | None = None
    ) -> tuple[Reference, Experiment | None]:
        """Make a version the active one; if it is on trial, by its experiment, which then ends.

        Parameters
        ----------
        memory_mib
            Memory of the service in MiB, which must be enough for a switch; None if it is not known. An experiment
            has asked it already.

        Returns
        -------
        tuple
            Reference of the version, and the record of an experiment that ended by that.

        Raises
        ------
        ExperimentRefused
            Another version is on trial.
        PromotionRefused, PointerMoved, ChallengerMoved, ExperimentEnded
            See `Registry.promote` and `Trials.promote`.
        """
        reference = self._registry.version(version).reference
        running = challenger_in(self._parameter.value())
        if running is None:
            active = self._registry.promote(reference, memory_mib=memory_mib, tool=self._tool)
            return active, self._trials.settle()
        if running.reference != reference:
            raise ExperimentRefused(
                f"{running.words} is on trial: {reference.name} would replace what it is compared with",
                f"end that first: skylift promote {running.reference.name}, or skylift reject",
            )
        return reference, self._trials.promote(running.id, reason="by hand")

    def supersede(self, version: Reference) -> Reference:
        """Make a version the active one, and end any other experiment first, whose champion goes.

        Raises
        ------
        PromotionRefused, PointerMoved, ChallengerMoved, ExperimentEnded
            See `Registry.promote` and `Trials`.
        """
        running = challenger_in(self._parameter.value())
        if running is not None and running.reference != version:
            self._trials.end(running.id, "inconclusive", f"{self._tool} makes {version.name} active")
        return self.promote(version)[0]

    def rollback(self) -> tuple[Reference, Experiment | None]:
        """Make the version before the active one active again, and end any experiment: its champion is gone.

        The pointer first: what answers badly stops before anything else is done. A rollback that was cut off after it
        is completed, and does not go back once more.

        Returns
        -------
        tuple
            Reference of the version, and the record of an experiment that ended by that.

        Raises
        ------
        PromotionRefused, PointerMoved, ChallengerMoved
            See `Registry.rollback` and `Trials.end`.
        """
        running = challenger_in(self._parameter.value())
        if running is None:
            return self._registry.rollback(tool=self._tool), self._trials.settle()
        left, moves = self._trials.active(), self._registry.history()
        went_back = bool(moves) and moves[-1].kind == "rollback"
        if left is not None and went_back and left != self._trials.trial(running.id).champion:
            return left, self._trials.end(running.id, "inconclusive", "its champion was rolled back")
        active = self._registry.rollback(tool=self._tool)
        outcome: Ending = "rejected" if left == running.reference else "inconclusive"
        name = "the pointer" if left is None else left.name
        return active, self._trials.end(running.id, outcome, f"{name} was rolled back")
