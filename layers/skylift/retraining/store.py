"""Retrainings in S3: their documents, and the lock that lets one of a model run at a time.

`retrains/{model}/{id}.json` is made with `If-None-Match`: a second request of the same id finds the first. It changes
only from what was read (`If-Match`), and never after it ended.

`retrains/{model}/running.json` is the lock: who holds it, until when, and what runs next. Each change of it, too,
replaces what was read, so that of two who want it one gets it. Whoever has not ended holds it: a retraining that does
not, or is late for its own time, is lost, and readers are told that it failed. Who takes its place writes that down,
and it finds so before it does anything more.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import AwareDatetime

from skylift.bucket import JSON, Bucket, ModelFolder
from skylift.documents import Document
from skylift.errors import AwsUnavailable, RetrainNotFound, RetrainRunning
from skylift.retraining.state import ENDED, Problem, Request, Retraining

_MAX_BYTES = 2**20
_ATTEMPTS = 20
_SLACK = timedelta(minutes=1)
"""How much less time a holder may have than it asks for: fifty events that start the same contend for nothing."""

type Clock = Callable[[], datetime]


class Lock(Document):
    """Who may retrain a model.

    Parameters
    ----------
    holder
        Id of the retraining that holds it; None if nobody does.
    until
        Time until which it is held unless the holder says more.
    next
        What to start when it ends; None for nothing.
    data_as_of
        Time up to which a retraining has taken all data in; None before the first.
    """

    holder: str | None = None
    until: AwareDatetime
    next: Request | None = None
    data_as_of: AwareDatetime | None = None


def _utc_now() -> datetime:
    return datetime.now(UTC)


class RetrainStore(ModelFolder):
    """The retrainings of one model.

    Parameters
    ----------
    bucket
        Bucket that keeps them.
    model
        Name of the model.
    now
        Function that returns the time, UTC.
    """

    FOLDER = "retrains"

    def __init__(self, bucket: Bucket, model: str, *, now: Clock = _utc_now) -> None:
        super().__init__(bucket, model)
        self.now = now

    def key(self, name: str) -> str:
        """Key of an object of the retrainings."""
        return self._root + name

    def find(self, id: str) -> Retraining | None:  # noqa: A002
        """A retraining by its id, as failed if it is lost; None if none exists.

        Raises
        ------
        IntegrityError
            Its document cannot be read.
        AwsUnavailable
            S3 failed.
        """
        document = self.stored(id)
        if document is None or document.has_ended:
            return document
        lock = self.lock()
        if lock and lock.holder == id and self.now() < lock.until:
            return document
        document = self.stored(id) or document  # it may have ended meanwhile, and only then given the lock back
        return document if document.has_ended else document.model_copy(update=_lost(document))

    def read(self, id: str) -> Retraining:  # noqa: A002
        """A retraining by its id, as failed if it is lost.

        Raises
        ------
        RetrainNotFound
            None exists.
        IntegrityError
            Its document cannot be read.
        AwsUnavailable
            S3 failed.
        """
        if document := self.find(id):
            return document
        raise _absent(self.model, id)

    def stored(self, id: str) -> Retraining | None:  # noqa: A002
        """The document of a retraining as it is, lost or not; None if none exists. See `find`."""
        return (found := self._tagged(id)) and found[0]

    def create(self, request: Request) -> Retraining:
        """Keep what was asked, queued; the one of this id that is there already if there is one.

        Raises
        ------
        AwsUnavailable
            S3 failed.
        """
        now = self.now()
        made = Retraining(model=self.model, request=request, started=now, updated=now)
        if self._bucket.write_new(self.key(f"{request.id}.json"), made.to_bytes(), content_type=JSON):
            return made
        if document := self.stored(request.id):
            return document
        raise _restless(f"the retraining {request.id}")

    def update(self, id: str, **changes: object) -> Retraining:  # noqa: A002
        """Change members of a retraining; one that has ended stays as it is.

        Raises
        ------
        RetrainNotFound
            None exists.
        AwsUnavailable
            S3 failed, or others change it all the time.
        """
        for _ in range(_ATTEMPTS):
            found = self._tagged(id)
            if found is None:
                raise _absent(self.model, id)
            document, tag = found
            if document.has_ended:
                return document
            now = self.now()
            ended = now if changes.get("state") in ENDED else None
            changed = document.model_copy(update={**changes, "updated": now, "ended": ended})
            if self._bucket.replace(self.key(f"{id}.json"), changed.to_bytes(), tag=tag, content_type=JSON):
                return changed
        raise _restless(f"the retraining {id}")

    def hold(self, id: str, time: timedelta) -> None:  # noqa: A002
        """Take the lock for a retraining, or keep it for so much longer, to a minute.

        A holder whose retraining has ended has only not given it back. One that is late for its own time is taken for
        dead: its retraining ends as failed.

        Raises
        ------
        RetrainRunning
            Another one holds it.
        AwsUnavailable
            S3 failed.
        """

        def held(lock: Lock) -> Lock:
            if lock.holder not in {None, id}:
                self._replace(lock)
            following = None if lock.next and lock.next.id == id else lock.next
            if lock.holder == id and lock.next == following and lock.until >= self.now() + time - _SLACK:
                return lock
            return lock.model_copy(update={"holder": id, "until": self.now() + time, "next": following})

        self._change_lock(held)

    def release(self, id: str) -> Request | None:  # noqa: A002
        """Give the lock back; nothing happens if another one holds it.

        Returns
        -------
        Request or None
            What was asked for meanwhile, to be started now.

        Raises
        ------
        AwsUnavailable
            S3 failed.
        """
        free = {"holder": None, "until": self.now()}
        return self._change_lock(lambda lock: lock if lock.holder != id else lock.model_copy(update=free)).next

    def ask_next(self, request: Request) -> bool:
        """Leave a request to be started when the running retraining ends; it replaces an earlier one.

        Returns
        -------
        bool
            Whether one runs; else the request was not left, as nobody would start it.

        Raises
        ------
        AwsUnavailable
            S3 failed.
        """

        def asked(lock: Lock) -> Lock:
            return lock if lock.holder is None else lock.model_copy(update={"next": request})

        return self._change_lock(asked).holder is not None

    def take_data_in(self, as_of: datetime) -> None:
        """Say that a retraining takes in all data up to a time, before it lists it.

        Raises
        ------
        AwsUnavailable
            S3 failed.
        """
        self._change_lock(lambda lock: lock.model_copy(update={"data_as_of": as_of}))

    def lock(self) -> Lock | None:
        """The lock; None before the first retraining."""
        return (found := self._tagged_lock()) and found[0]

    def _replace(self, lock: Lock) -> None:
        """End the retraining of a lock that another one wants.

        Raises
        ------
        RetrainRunning
            It is not late yet.
        """
        holder = str(lock.holder)
        document = self.stored(holder)
        if document is not None and document.has_ended:  # it has only not given the lock back
            return
        if self.now() < lock.until:
            raise RetrainRunning(holder)
        if document is not None:
            self.update(holder, **_lost(document))

    def _change_lock(self, change: Callable[[Lock], Lock]) -> Lock:
        key = self.key("running.json")
        for _ in range(_ATTEMPTS):
            found = self._tagged_lock()
            lock = found[0] if found else Lock(until=self.now())
            changed = change(lock)
            if changed == lock:
                return lock
            data = changed.to_bytes()
            if (
                self._bucket.replace(key, data, tag=found[1], content_type=JSON)
                if found
                else self._bucket.write_new(key, data, content_type=JSON)
            ):
                return changed
        raise _restless(f"the lock of {self.model}'s retrainings")

    def _tagged(self, id: str) -> tuple[Retraining, str] | None:  # noqa: A002
        return self._read(f"{id}.json", Retraining)

    def _tagged_lock(self) -> tuple[Lock, str] | None:
        return self._read("running.json", Lock)

    def _read[D: Document](self, name: str, kind: type[D]) -> tuple[D, str] | None:
        found = self._bucket.read_tagged(self.key(name), limit=_MAX_BYTES)
        if found is None:
            return None
        hint = "restore an earlier version of the object"
        return kind.from_bytes(found[0], source=self.key(name), hint=hint), found[1]


def _lost(document: Retraining) -> dict[str, Any]:
    """Members of a retraining of which nothing is heard any more."""
    message = "it did not begin" if document.state == "queued" else "nothing is heard of it"
    hint = "start it again: skylift retrain; the log of the retrain function may tell why"
    return {"state": "failed", "problem": Problem(code="lost", message=message, hint=hint)}


def _absent(model: str, id: str) -> RetrainNotFound:  # noqa: A002
    return RetrainNotFound(f"no retraining of {model} has the id {id[:64]!r}", "use the id that its start answered")


def _restless(what: str) -> AwsUnavailable:
    return AwsUnavailable(f"{what} could not be written: others change it all the time", "try again")
