"""All that a retraining reads and writes. Each method is one step of it, and may run twice: it then ends the same."""

from datetime import timedelta
from math import ceil
from typing import Literal, Protocol, TypedDict

from retrain.job import Job
from retrain.snapshot import Snapshots
from skylift.bucket import Bucket
from skylift.durable import DurableFunction
from skylift.errors import RetrainLost, RetrainRunning, SkyliftError
from skylift.experiment.store import ExperimentStore
from skylift.model_card import CARD_FILE
from skylift.notify import Notifier
from skylift.observability import MetricPoint, emit, logger
from skylift.pointer import ActivePointer
from skylift.references import Reference
from skylift.retraining.outcome import REFUSALS, Outcome
from skylift.retraining.start import TO_ALLOW_ROLLOUTS, start
from skylift.retraining.state import Problem, Retraining, Rollout, State, Versions
from skylift.retraining.store import RetrainStore
from skylift.rollout import RolloutPlan, execution_name

SETTLED = timedelta(seconds=60)
"""Time without new data after which no more is expected."""

LONGEST_COLLECTING = timedelta(hours=1)
"""Time after which the data is taken as it is, though more of it still comes."""

_MARGIN = timedelta(hours=1)
"""Time that every step may take besides what it waits for: attempts, and pauses between them."""

_NOTHING_ACTIVE = (
    "no version is active that a rollout could compare with: make one so by `skylift promote`, or ask for no rollout"
)

_DECLINED = REFUSALS | {"approval-timeout", "not-approved"}
"""Codes of what people decide about."""


class Failure(TypedDict):
    """Why a retraining ends without what was asked."""

    code: str
    message: str


class Begun(TypedDict):
    """Whether there is something to do, what follows a version, and why what was asked cannot be."""

    over: bool
    rollout: Rollout
    failure: Failure | None


_OVER = Begun(over=True, rollout="none", failure=None)


class Ended(TypedDict):
    """How a retraining ended; `over` where another execution, or nobody, has it."""

    id: str
    state: State | Literal["over"]


class Tasks(Protocol):
    """Starts training elsewhere."""

    def start(self, id: str, callback: str) -> None:  # noqa: A002
        """Start the task of a retraining, once; it answers the callback."""


class Work:
    """The steps of a retraining.

    Parameters
    ----------
    store, snapshots, job
        Retrainings of the model, its data, and what trains it.
    bucket
        Bucket of the model.
    pointer
        Pointer to the active version.
    experiments
        Store that keeps what a person's approval answers.
    itself, rollout
        The function itself, and the one that rolls versions out, if any.
    tasks
        What trains elsewhere; None to train here.
    notifier
        What tells people.
    stage
        Name of the stage.
    train_time, approval_time
        Longest training, and time after which nobody approves any more.
    asks
        Whether a person is asked before each rollout, also of a request that does not say so.
    """

    def __init__(  # noqa: PLR0913 (what it works with)
        self,
        store: RetrainStore,
        snapshots: Snapshots,
        job: Job,
        *,
        bucket: Bucket,
        pointer: ActivePointer,
        experiments: ExperimentStore,
        itself: DurableFunction,
        rollout: DurableFunction | None,
        tasks: Tasks | None,
        notifier: Notifier,
        stage: str,
        train_time: timedelta,
        approval_time: timedelta,
        asks: bool = False,
    ) -> None:
        self._store = store
        self._snapshots = snapshots
        self._job = job
        self._bucket = bucket
        self._pointer = pointer
        self._experiments = experiments
        self._itself = itself
        self.rollout = rollout
        self.tasks = tasks
        self._notifier = notifier
        self._stage = stage
        self.train_time = train_time
        self.approval_time = approval_time
        self._asks = asks

    def begin(self, id: str) -> Begun:  # noqa: A002
        """Take the lock, and say that it runs."""
        document = self._store.stored(id)
        if document is None or document.has_ended:  # nobody asked for it, or somebody took its place
            return _OVER
        try:
            self._store.hold(id, self._left(document) + LONGEST_COLLECTING + _MARGIN)
        except RetrainRunning as error:
            self._store.update(id, state="failed", step="done", problem=Problem.of(error))
            return _OVER
        champion = self._pointer.read()
        versions = Versions(champion=str(champion) if champion else None)
        begun = self._store.update(id, state="running", step="collecting", versions=versions)
        rollout, failure = document.request.rollout, None
        if rollout != "none" and self.rollout is None:  # known before anything is trained
            failure = Failure(code="no-rollouts", message=f"no rollout follows a training here: {TO_ALLOW_ROLLOUTS}")
        elif rollout != "none" and champion is None:
            failure = Failure(code="no-active-version", message=_NOTHING_ACTIVE)
        asks = rollout == "auto" and self._asks
        return Begun(over=begun.has_ended, rollout="manual" if asks else rollout, failure=failure)

    def more(self, id: str) -> int:  # noqa: A002
        """Seconds to wait for more data; 0 where the data is taken as it is.

        Data is waited for where the request says so: to its time, and then until none has come for a while.
        """
        document = self._document(id)
        until = document.request.collect_until
        if until is None:
            return 0
        if left := self._left(document):
            return _seconds(left)
        newest, now = self._snapshots.newest(), self._store.now()
        if newest is None or now >= until + LONGEST_COLLECTING:
            return 0
        return _seconds(newest + SETTLED - now)

    def snapshot(self, id: str) -> int:  # noqa: A002
        """Take the snapshot; the number of its objects."""
        document = self._go_on(id, self.train_time + _MARGIN, step="snapshot")
        taken = self._snapshots.find(id)
        if taken is None:
            now = self._store.now()
            self._store.take_data_in(now)  # before it is listed: an event of what came earlier asks for nothing more
            taken = self._snapshots.take(id, now)
        self._store.update(id, links=document.links | {"snapshot": self._bucket.url(self._snapshots.key(id))})
        return len(taken.objects)

    def train(self, id: str, seconds: float) -> None:  # noqa: A002
        """Train here, and keep what that came to.

        Parameters
        ----------
        seconds
            Time that it has.
        """
        document = self._go_on(id, self.train_time + _MARGIN, step="training")
        self._job.run(document, min(seconds, self.train_time.total_seconds()))

    def start_task(self, id: str, callback: str) -> None:  # noqa: A002
        """Start training elsewhere, where it keeps what it came to, and then answers the callback."""
        self._go_on(id, self.train_time + _MARGIN, step="training")
        assert self.tasks is not None  # noqa: S101 (the flow asks before)
        self.tasks.start(id, callback)

    def conclude(self, id: str, lost: str | None) -> bool:  # noqa: A002
        """Say what training came to; whether to a version.

        Parameters
        ----------
        lost
            Why nobody told; None where somebody did.
        """
        document = self._go_on(id, _MARGIN)
        outcome = self._job.outcome(document)
        if outcome is None:
            message = f"training told nothing: {lost}" if lost else "training told nothing"
            problem = Problem(code="training-lost", message=message, hint="see the log of the retrain function")
            outcome = Outcome(outcome="failed", model=self._store.model, problem=problem)
        versions, links = document.versions, dict(document.links)
        if outcome.reference:
            versions = versions.model_copy(update={"published": outcome.reference})
            name = Reference.parse(outcome.reference).name
            links["card"] = self._bucket.url(f"models/{self._store.model}/{name}/{CARD_FILE}")
        elif outcome.gates:
            links["card"] = self._bucket.url(self._job.card_key(id))
        self._store.update(id, gates=outcome.gates, problem=outcome.problem, versions=versions, links=links)
        return outcome.outcome == "published"

    def ask(self, id: str, callback: str) -> None:  # noqa: A002
        """Ask a person to approve the rollout."""
        document = self._go_on(id, self.approval_time + _MARGIN, state="waiting", step="approval")
        self._experiments.ask(id, callback)
        reference = Reference.parse(document.versions.published or "")
        self._notifier.send(
            f"{self._store.model} {reference.name} waits for approval",
            f"The retraining {id} published {reference}. Approve its rollout by `skylift approve {id}`, "
            f"refuse it by `skylift approve {id} --no`.",
        )

    def roll_out(self, id: str) -> None:  # noqa: A002
        """Start the rollout of the published version, which says itself where it cannot go on."""
        document = self._go_on(id, _MARGIN, state="running", step="rollout")
        reference = Reference.parse(document.versions.published or "")
        assert self.rollout is not None  # noqa: S101 (`begin` ends what asks for one then)
        plan = RolloutPlan(
            id=id, version=reference.name, reference=reference, by=f"retraining {id}", started=document.started
        )
        self.rollout.start(execution_name(self._store.model, reference, 0), plan.to_event())
        self._store.update(id, links=document.links | {"experiment": id})

    def end(self, id: str, failure: Failure | None) -> Ended:  # noqa: A002
        """End it, if it has not ended, and give the lock back: to what was asked for meanwhile, if anything.

        Parameters
        ----------
        failure
            Why it ends; None if what training came to says it.
        """
        document = self._document(id)
        if not document.has_ended:
            problem = Problem(**failure) if failure else document.problem
            state: State = "succeeded" if problem is None else "refused" if problem.code in _DECLINED else "failed"
            document = self._store.update(id, state=state, step="done", problem=problem)
        following = self._store.release(id)
        if following is not None:
            try:
                start(following, store=self._store, function=self._itself)
            except RetrainRunning as error:  # it began later, and so takes the same data
                logger.info("another retraining runs", extra={"retraining": following.id, "running": error.id})
        return Ended(id=id, state=document.state)

    def tell(self, id: str) -> None:  # noqa: A002
        """Tell people how it ended."""
        document = self._document(id)
        model, state, problem = self._store.model, document.state, document.problem
        if state == "failed":
            emit([MetricPoint("RetrainingFailed")], [{"stage": self._stage, "model": model}], {"retraining": id})
        words = [f"The retraining {id} ({document.request.reason}): {state}."]
        if document.versions.published:
            words.append(f"It published {document.versions.published}.")
        words += [str(SkyliftError(problem.message, problem.hint))] if problem else []
        words += [f"{name}: {link}" for name, link in document.links.items()]
        self._notifier.send(f"{model}: retraining {state}", "\n\n".join(words))

    def _document(self, id: str) -> Retraining:  # noqa: A002
        document = self._store.stored(id)
        return document or self._store.read(id)

    def _go_on(self, id: str, time: timedelta, **changes: object) -> Retraining:  # noqa: A002
        """Keep the lock for as long as the next steps take, and say what they are.

        Raises
        ------
        RetrainRunning, RetrainLost
            Somebody took its place.
        """
        self._store.hold(id, time)
        document = self._store.update(id, **changes)
        if document.has_ended:
            raise RetrainLost(f"the retraining {id} was late, and was taken for lost", "see which one ran instead")
        return document

    def _left(self, document: Retraining) -> timedelta:
        """Time until the data is looked at."""
        until = document.request.collect_until
        return max(until - self._store.now(), timedelta()) if until else timedelta()


def _seconds(time: timedelta) -> int:
    """Whole seconds to wait, none if the time is over."""
    return max(ceil(time.total_seconds()), 0)
