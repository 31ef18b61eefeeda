"""Undoes a promotion: decides, checks the version before, moves the pointer, ends an experiment, tells people."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from auto_rollback.evidence import OF_REPORTS, STOPS_CODE, is_deploying, reported_version
from auto_rollback.settings import AutoRollbackSettings
from skylift.bucket import Bucket
from skylift.errors import RegistryError, SkyliftError
from skylift.experiment.trials import Trials
from skylift.going_back import Alarm, GoBack, Stay, decide
from skylift.notify import Notifier
from skylift.pointer import ActivePointer, Move
from skylift.registry import Registry

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

type Answer = tuple[str | None, str]
"""Name of the version that is active again, None if the pointer stayed; and why."""


class Undoing:
    """What an alarm leads to. An alarm that is delivered again finds what it did, and does the rest.

    Parameters
    ----------
    settings
        Settings of the function.
    pointer, registry, trials
        Pointer, versions and experiments of the model.
    notifier
        Topic of the people to tell.
    bucket
        Bucket of the model, with its reports.
    client
        Botocore client for Lambda.
    clock
        Function that returns the time, UTC.
    """

    def __init__(  # noqa: PLR0913 (what it acts on)
        self,
        settings: AutoRollbackSettings,
        pointer: ActivePointer,
        registry: Registry,
        trials: Trials,
        notifier: Notifier,
        bucket: Bucket,
        *,
        client: "LambdaClient",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._pointer = pointer
        self._registry = registry
        self._trials = trials
        self._notifier = notifier
        self._bucket = bucket
        self._client = client
        self._clock = clock

    def answer(self, alarm: Alarm) -> Answer:
        """Undo the last promotion, or stay.

        Raises
        ------
        AwsUnavailable
            AWS failed; it can be called again.
        """
        moves = self._pointer.history()
        tool = f"auto-rollback on {alarm.name} at {alarm.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        if moves and moves[-1].tool == tool:
            return self._finish(alarm, moves[-1])
        decision = decide(moves, alarm, now=self._clock(), hours=self._settings.auto_rollback_hours)
        if isinstance(decision, Stay):
            return None, decision.why
        if alarm.name in OF_REPORTS and (judged := self._reported()) != decision.left.name:
            return None, f"the alarm is about {judged or 'no version'}, and {decision.left.name} is active"
        return self._go_back(alarm, decision, tool)

    def _go_back(self, alarm: Alarm, decision: GoBack, tool: str) -> Answer:
        to = decision.to.name
        if alarm.name in STOPS_CODE and self._is_deploying():
            return self._refuse(
                alarm, f"did not go back to {to}", "new code takes a part of the traffic, and is stopped first"
            )
        try:
            self._registry.go_back(decision.to, seen=str(decision.left), tool=tool)
        except RegistryError as error:
            last = self._pointer.history()[-1]
            if (last.before, last.after) == (str(decision.left), str(decision.to)):
                return None, f"the pointer went back to {to} at the same time, on another alarm or by hand"
            what = (
                f"went back to {to}, over another move"
                if last.after == str(decision.to)
                else f"did not go back to {to}"
            )
            return self._refuse(alarm, what, str(error))
        return self._finish(alarm, self._pointer.history()[-1])

    def _finish(self, alarm: Alarm, move: Move) -> Answer:
        """Do what comes after the move, as often as it is asked."""
        to, left = _name(move.after), _name(move.before)
        why = f"the alarm {alarm.name} fired while {left} was active"
        self._tell(
            f"went back from {left} to {to}",
            alarm,
            f"{left} had been promoted within {self._settings.auto_rollback_hours:g} hours before it. {to} is active "
            f"again since {move.at:%Y-%m-%d %H:%M:%S %Z}, and environments follow when they next read the pointer.",
            *self._end_experiment(f"{left} was left for {to}: {why}"),
            f"Next: docs/runbooks/trials.md, the pointer went back by itself. If the alarm does not become quiet, "
            f"{left} was not the reason: `skylift promote {left}` makes it active again.",
        )
        return to, why

    def _refuse(self, alarm: Alarm, what: str, why: str) -> Answer:
        self._tell(
            what,
            alarm,
            f"The last promotion was not undone as it should be: {why}.",
            "Next: `skylift history`, then docs/runbooks/roll-back-a-model.md, if the alarm does not become quiet.",
        )
        return None, why

    def _end_experiment(self, reason: str) -> list[str]:
        """End the experiment that is under way; what there is to say of it."""
        try:
            challenger = self._trials.current()
            record = self._trials.end(challenger.id, "inconclusive", reason) if challenger else self._trials.settle()
        except SkyliftError as error:  # people must hear of the move in any case
            return [f"An experiment could not be ended: {error}. End it by `skylift reject`."]
        if record is None:
            return []
        return [f"The experiment {record.id} of {record.challenger.name} has ended: {record.outcome}."]

    def _tell(self, what: str, alarm: Alarm, *paragraphs: str) -> None:
        name = f"{self._settings.alarm_prefix}{alarm.name}"
        fired = f"The alarm {name} fired at {alarm.at:%Y-%m-%d %H:%M:%S %Z}: {alarm.reason}"
        subject = f"{self._settings.model} ({self._settings.stage}): {what} on {alarm.name}"
        self._notifier.send(subject, "\n\n".join([fired, *paragraphs]))

    def _reported(self) -> str | None:
        return reported_version(self._bucket, self._settings.model)

    def _is_deploying(self) -> bool:
        alias = self._settings.inference_function
        return bool(alias) and is_deploying(alias, client=self._client)


def _name(value: str) -> str:
    """A value of the pointer without its digest."""
    return value.partition("@")[0]
