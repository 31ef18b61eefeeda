"""Retrainings of the stack's model, from outside."""

from collections.abc import Iterator
from contextlib import contextmanager

from skylift.retraining.start import execution_name, id_of_key
from skylift.retraining.state import Retraining
from skylift.retraining.store import RetrainStore
from tests.e2e.life import MODEL, Life
from tests.e2e.stack import Answer, Stack
from tests.support.waiting import wait_until


class Retrainings:
    """What the stack has trained again.

    Parameters
    ----------
    life, stack
        The model and its stack.
    """

    def __init__(self, life: Life, stack: Stack) -> None:
        self._life, self._stack = life, stack
        self._store = RetrainStore(life.bucket, MODEL)

    def ask(self, key: str, **body: str) -> Answer:
        """Ask for one by HTTP, as the caller who may."""
        headers = {"idempotency-key": key}
        return self._stack.ask("/retrain", {"reason": key} | body, keys=self._stack.caller, headers=headers)

    def execution(self, key: str) -> str:
        """ARN of the execution of what was asked for with a key."""
        name = execution_name(MODEL, id_of_key(key))
        found = self._stack.aws.client("lambda").list_durable_executions_by_function(
            FunctionName=self._stack.outputs["RetrainFunctionArn"], DurableExecutionName=name
        )
        return str(found["DurableExecutions"][0]["DurableExecutionArn"])

    def ids(self) -> set[str]:
        """Ids of all of them."""
        keys = [entry.key for entry in self._life.bucket.entries(self._store.key(""))]
        names = [key.removeprefix(self._store.key("")).removesuffix(".json") for key in keys]
        return {name for name in names if "/" not in name} - {"running"}

    def read(self, id: str) -> Retraining:  # noqa: A002
        """One of them, as people are told of it."""
        return self._store.read(id)

    def is_at(self, step: str) -> bool:
        """Whether one runs, and is at a step; its document is written after its name is in the lock."""
        lock = self._store.lock()
        running = self._store.find(lock.holder) if lock is not None and lock.holder is not None else None
        return running is not None and running.step == step

    @property
    def is_locked(self) -> bool:
        """Whether one of them holds the lock, or another one waits for it."""
        lock = self._store.lock()
        return lock is not None and (lock.holder, lock.next) != (None, None)

    @contextmanager
    def one_more(self) -> Iterator[list[Retraining]]:
        """One begins meanwhile, which has ended afterwards, and what it published is on trial; no second one begins."""
        before = self.ids()
        made: list[Retraining] = []

        def new() -> list[Retraining]:
            return [self.read(each) for each in self.ids() - before]

        yield made
        wait_until(lambda: bool(new()) and all(each.has_ended for each in new()), what="it has ended")
        wait_until(lambda: not self.is_locked, what="it has given the lock back")
        made.extend(new())
        assert len(made) == 1, made
        if "experiment" in made[0].links:
            wait_until(lambda: self._life.on_trial is not None, what="it is on trial")
