"""What can be done with an experiment: begin, ramp, promote, end. The command line and the rollout call the same.

Each may be cut off between any two writes and run again, and ends the same. What is written, in this order:

    begin, ramp     challenger
    promote         pointer, challenger, record
    end             challenger, record

So the parameter names a challenger for as long as its experiment is not over, and a record that lacks is written from
SSM's history, by whoever comes next.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from skylift.challenger import BY_REQUEST, Challenger, Mode
from skylift.errors import ExperimentEnded, ExperimentRefused, InvalidReference
from skylift.experiment.examination import examine
from skylift.experiment.parameter import ChallengerParameter
from skylift.experiment.past import Trial, challenger_in, last_ended, trial_of
from skylift.experiment.record import Ending, Experiment
from skylift.experiment.store import ExperimentStore
from skylift.experiment.verdict import Verdict
from skylift.references import Reference
from skylift.registry import Registry
from skylift.verification import Version

_DECIDE = "see `skylift judge`; end it by `skylift promote` or `skylift reject`"


class Trials:
    """The experiments of one model.

    Parameters
    ----------
    registry
        Registry of the model.
    parameter
        Parameter that names the challenger.
    store
        Store of the records.
    tool
        What acts, for the history: `skylift promote`.
    clock
        Function that returns the time, UTC.
    """

    def __init__(
        self,
        registry: Registry,
        parameter: ChallengerParameter,
        store: ExperimentStore,
        *,
        tool: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._registry = registry
        self._parameter = parameter
        self._store = store
        self._tool = tool
        self._clock = clock

    def current(self) -> Challenger | None:
        """The version on trial; None without one. See `ChallengerParameter.read`."""
        return self._parameter.read()

    def begin(  # noqa: PLR0913 (the experiment)
        self,
        version: Reference | str,
        *,
        mode: Mode,
        percent: float,
        by: str,
        key: str = BY_REQUEST,
        id: str | None = None,  # noqa: A002
        memory_mib: float | None = None,
        force: bool = False,
    ) -> Challenger:
        """Put a version on trial, if it may serve, and can be compared with the champion.

        Parameters
        ----------
        mode, percent, key, by
            See `Challenger`.
        id
            Name of the experiment, under which a second call changes nothing; by default one that names the version
            and the time.
        memory_mib
            Memory of the service in MiB, which must be enough for both; None if it is not known.
        force
            Whether a shadow may cost more than its budget.

        Returns
        -------
        Challenger
            The version on trial.

        Raises
        ------
        ExperimentRefused
            Another experiment is under way, there is no champion, or the two versions cannot be compared.
        ExperimentEnded
            An experiment of this name has ended.
        PromotionRefused
            The version may not serve.
        ChallengerMoved
            Somebody else put a version on trial meanwhile.
        InvalidReference, VersionNotFound, IntegrityError
            There is no such version, or its manifest is not the one the reference names.
        """
        seen = self._parameter.value()
        running = challenger_in(seen)
        if running is not None and running.id == id:
            return running
        self.settle()
        if id is not None and (ended := self._store.read(id)) is not None:
            raise ExperimentEnded(f"the experiment {id} has ended: {ended.outcome}", "begin one under another name")
        examined = self.admit(version, shadow=mode == "shadow" and not force, memory_mib=memory_mib)
        started = self._clock()
        challenger = Challenger(
            id=id or f"{examined.reference.name}-{started:%Y%m%dT%H%M%S}",
            reference=examined.reference,
            mode=mode,
            percent=percent,
            key=key,
            started=started,
            by=by,
        )
        self._parameter.write(challenger, seen=seen, tool=f"begun by {self._tool}")
        return challenger

    def admit(self, version: Reference | str, *, shadow: bool, memory_mib: float | None = None) -> Version:
        """A version that may be put on trial now; see `begin`, which examines the same.

        Parameters
        ----------
        shadow
            Whether it has to be quick enough to be scored in the shadow.
        """
        if (running := challenger_in(self._parameter.value())) is not None:
            raise ExperimentRefused(f"{running.words} is on trial already: {running.id}", _DECIDE)
        self.settle()
        if self._registry.active() is None:
            raise ExperimentRefused("no version is active, so there is nothing to compare with", "promote it instead")
        return examine(self._registry, version, self._registry.resolve(), shadow=shadow, memory_mib=memory_mib)

    def ended(self, reference: Reference) -> int:
        """Number of experiments of a version that have ended.

        Raises
        ------
        IntegrityError
            A record cannot be read.
        """
        records = map(self._store.read, self._store.ids())
        return sum(record is not None and record.challenger == reference for record in records)

    def ramp(self, id: str, mode: Mode, percent: float) -> Challenger:  # noqa: A002
        """Change the share of the version on trial.

        Raises
        ------
        ExperimentEnded
            Another version is on trial, or none, or the pointer was moved since the experiment began.
        ChallengerMoved
            Somebody else changed it meanwhile.
        """
        seen = self._parameter.value()
        running = self._running(seen, id)
        trial = self.trial(id)
        if self.active() != trial.champion:
            raise ExperimentEnded(
                f"the pointer was moved since {id} began", "see `skylift history`; end it by `skylift reject`"
            )
        if (running.mode, running.percent) != (mode, percent):
            running = running.model_copy(update={"mode": mode, "percent": percent})
            self._parameter.write(running, seen=seen, tool=f"ramped by {self._tool}")
        return running

    def promote(self, id: str, verdict: Verdict | None = None, *, reason: str = "") -> Experiment:  # noqa: A002
        """Make the version on trial the active one, and end its experiment.

        Parameters
        ----------
        verdict
            What the judge said last.
        reason
            Why, in words; by default the verdict's.

        Returns
        -------
        Experiment
            The record that stands; where somebody else was first, with another outcome.

        Raises
        ------
        ExperimentEnded
            There was no such experiment, or the pointer names neither the champion nor the challenger.
        PromotionRefused
            The version may not serve any more.
        PointerMoved, ChallengerMoved
            Somebody else changed one of them meanwhile.
        """
        if (ended := self._store.read(id)) is not None:
            return ended
        trial, seen = self.trial(id), self._parameter.value()
        if _is_on_trial(seen, id):
            self._promote(trial)
            return self._end(trial, seen, "promoted", reason, verdict)
        return self._complete(trial, verdict)

    def end(self, id: str, outcome: Ending, reason: str, verdict: Verdict | None = None) -> Experiment:  # noqa: A002
        """End an experiment without a promotion: requests meet the champion alone.

        Parameters
        ----------
        outcome, reason, verdict
            See `Experiment`.

        Returns
        -------
        Experiment
            The record that stands: that of whoever was first. Where the version is active already, its promotion was
            cut off, and is completed.

        Raises
        ------
        ExperimentEnded
            There was no such experiment.
        ChallengerMoved
            Somebody else changed it meanwhile.
        """
        ended, seen = self._store.read(id), self._parameter.value()
        if ended is not None:
            if _is_on_trial(seen, id):  # a record that somebody else wrote keeps nothing on trial
                self._parameter.write(None, seen=seen, tool=f"{outcome} by {self._tool}: {reason}")
            return ended
        trial = self.trial(id)
        if not _is_on_trial(seen, id):
            return self._complete(trial, verdict)
        if self.active() == trial.challenger.reference:
            outcome, reason = "promoted", f"it was active already ({reason})"
        return self._end(trial, seen, outcome, reason, verdict)

    def settle(self) -> Experiment | None:
        """Write the record of the last experiment, if its end was cut off before that.

        Returns
        -------
        Experiment or None
            The record that was written.
        """
        ended = last_ended(self._parameter.changes())
        if ended is None or self._store.read(ended) is not None:
            return None
        return self._complete(self.trial(ended), None)

    def trial(self, id: str) -> Trial:  # noqa: A002
        """An experiment by its name, as SSM's history tells it.

        Raises
        ------
        ExperimentEnded
            SSM knows of none.
        """
        trial = trial_of(id, self._parameter.changes(), self._registry.history())
        if trial is None:
            raise ExperimentEnded(f"there is no experiment {id}", "see `skylift history`")
        return trial

    def active(self) -> Reference | None:
        """What is active; None where the pointer names no version, or nothing that can be read."""
        with suppress(InvalidReference):
            return self._registry.active()
        return None

    def _running(self, value: str, id: str) -> Challenger:  # noqa: A002
        running = challenger_in(value)
        if running is None or running.id != id:
            raise ExperimentEnded(f"the experiment {id} is not under way any more", "see `skylift history`")
        return running

    def _promote(self, trial: Trial) -> None:
        reference, active = trial.challenger.reference, self.active()
        if active == reference:
            return
        if active is None or active != trial.champion:
            raise ExperimentEnded(
                f"the pointer was moved since {trial.challenger.id} began: {reference.name} was not compared with what "
                "is active now",
                "end it by `skylift reject`, and begin again",
            )
        self._registry.promote(reference, seen=active, tool=self._tool)

    def _end(self, trial: Trial, seen: str, outcome: Ending, reason: str, verdict: Verdict | None) -> Experiment:
        why = reason or (verdict.reason if verdict else "")
        told = f"{outcome} by {self._tool}"
        self._parameter.write(None, seen=seen, tool=f"{told}: {why}" if why else told)
        return self._write(trial, outcome, why or told, verdict, self._clock())

    def _complete(self, trial: Trial, verdict: Verdict | None) -> Experiment:
        """Write the record of an experiment whose end was cut off before that."""
        outcome, reason = trial.told
        return self._write(trial, outcome, reason, verdict, trial.ending.at if trial.ending else self._clock())

    def _write(
        self, trial: Trial, outcome: Ending, reason: str, verdict: Verdict | None, ended: datetime
    ) -> Experiment:
        challenger = trial.challenger
        return self._store.end(
            Experiment(
                id=challenger.id,
                model=self._store.model,
                challenger=challenger.reference,
                champion=trial.champion,
                mode=challenger.mode,
                percent=challenger.percent,
                started=challenger.started,
                by=challenger.by,
                ended=ended,
                outcome=outcome,
                reason=reason,
                verdict=verdict,
            )
        )


def _is_on_trial(value: str, id: str) -> bool:  # noqa: A002
    challenger = challenger_in(value)
    return challenger is not None and challenger.id == id
