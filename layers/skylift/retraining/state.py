"""What was asked of a retraining, and how far it is: the document `retrains/{model}/{id}.json`."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from skylift.documents import Document
from skylift.errors import SkyliftError
from skylift.metrics import Gate

type State = Literal["queued", "running", "waiting", "succeeded", "refused", "failed"]
"""`waiting`: for a person. `refused`: by a gate, by the data or by a person. The last three are final."""

type Rollout = Literal["none", "manual", "auto"]
"""What follows a published version: nothing, a rollout once a person approved it, or a rollout."""

type Step = Literal["queued", "collecting", "snapshot", "training", "approval", "rollout", "done"]

ENDED: frozenset[State] = frozenset({"succeeded", "refused", "failed"})

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}\z")]


class Request(Document):
    """What was asked.

    Parameters
    ----------
    id
        Id of the retraining; see `skylift.retraining.start` for how ids are made.
    reason
        Reason in words: `new data`, `schedule`, what a person said.
    rollout
        What follows a published version.
    by
        Asker: an ARN, or the name of a trigger.
    collect_until
        Time before which the data is not looked at, as more of it comes; None to look at once.
    """

    id: Id
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    rollout: Rollout = "none"
    by: Annotated[str, Field(min_length=1, max_length=2048)]
    collect_until: AwareDatetime | None = None

    def same_as(self, other: "Request") -> bool:
        """Whether both ask for the same; who asks, and until when data is collected, does not count."""
        return (self.id, self.reason, self.rollout) == (other.id, other.reason, other.rollout)


class Problem(Document):
    """Why a retraining ended without what was asked.

    Parameters
    ----------
    code
        Stable name for programs: the code of a `SkyliftError`, or one of docs/retraining.md.
    message, hint
        What happened, and what to do about it.
    """

    code: str
    message: str
    hint: str = ""

    @classmethod
    def of(cls, error: SkyliftError) -> "Problem":
        """What an error says."""
        return cls(code=error.code, message=error.message, hint=error.hint)


class Versions(Document):
    """References of the versions that it is about.

    Parameters
    ----------
    champion
        The version that was active when it began; None if none was.
    published
        The version that it published; None if it published none.
    """

    champion: str | None = None
    published: str | None = None


class Retraining(Document):
    """How far a retraining is.

    Parameters
    ----------
    schema_version
        Version of this document's format.
    model
        Name of the model.
    request
        What was asked.
    state, step
        State, and what it does now.
    started, updated
        Times of the start and of the latest change, UTC.
    ended
        Time of the end; None before.
    versions
        Versions that it is about.
    gates
        Judged gates of the trained model; empty before.
    links
        Places of more, by name: `snapshot` and `card` are S3 URLs, `experiment` is the id of the rollout.
    problem
        Why it was refused or failed; None otherwise.
    """

    schema_version: int = 1
    model: str
    request: Request
    state: State = "queued"
    step: Step = "queued"
    started: AwareDatetime
    updated: AwareDatetime
    ended: AwareDatetime | None = None
    versions: Versions = Versions()
    gates: tuple[Gate, ...] = ()
    links: dict[str, str] = Field(default_factory=dict)
    problem: Problem | None = None

    @property
    def id(self) -> str:
        """Its id."""
        return self.request.id

    @property
    def has_ended(self) -> bool:
        """Whether its state is final."""
        return self.state in ENDED

    def as_answer(self) -> dict[str, object]:
        """What callers and programs are told: one object, with `id`, `state`, `reason` and `started` first."""
        request = self.request
        body = self.model_dump(mode="json", exclude={"request", "schema_version"}, exclude_none=True)
        head = {"id": request.id, "state": body.pop("state"), "reason": request.reason}
        return {**head, "started": body.pop("started"), "rollout": request.rollout, "by": request.by, **body}
