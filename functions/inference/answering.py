"""Answers a request for predictions in whatever protocol: by the version it belongs to, and notes what came of it."""

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol

from inference.capture import RowCapture
from inference.host import ModelHost
from inference.model import ScoredRequest, ServedModel
from inference.settings import InferenceSettings
from inference.trial import Trial
from skylift.challenger import VARIANT_HEADER
from skylift.contract import Instance
from skylift.errors import ModelNotReady
from skylift.http.errors import RequestError, UnknownModel
from skylift.http.record import Record, new_prediction_id, record_of
from skylift.http.reply import Reply
from skylift.monitoring import answers
from skylift.predictors import OnnxPredictor

if TYPE_CHECKING:
    from starlette.types import Scope

    from inference.computing import Computing

SHORT_BYTES = 2**14
"""A body of so many is answered by a compiled version in a few milliseconds."""

_VARIANT = VARIANT_HEADER.encode()
_MAX_SHOWN = 60


class Asked(Protocol):
    """A request for predictions, as its protocol has it."""

    @property
    def is_short(self) -> bool:
        """Whether a compiled version answers it at once."""

    def read(self, model: ServedModel) -> list[Instance]:
        """The valid instances, by the contract of a version.

        Raises
        ------
        RequestError
        """

    def write(self, model: ServedModel, scored: ScoredRequest, prediction_id: str) -> Reply:
        """What a version answers.

        Parameters
        ----------
        prediction_id
            Id for labels that name the answer; empty where none may come.

        Raises
        ------
        RequestError
            It cannot be sent, or the version has not what was asked for.
        """


class _Answer(NamedTuple):
    """What a version says to a request, and what it was made of."""

    model: ServedModel
    scored: ScoredRequest
    reply: Reply
    id: str


def _asks_for_champion(scope: "Scope") -> bool:
    """Whether a request is to stay out of experiments."""
    return any(name == _VARIANT and value == b"champion" for name, value in scope["headers"])


def _is_quick(model: ServedModel, trial: Trial | None) -> bool:
    """Whether the versions in memory answer a short request at once."""
    return isinstance(model.predictor, OnnxPredictor) and (trial is None or trial.is_quick)


class Answering:
    """What all requests for predictions have in common.

    Parameters
    ----------
    host
        Holder of the model.
    profile
        Whether the record gets the profile of the instances, where the version makes one.
    labels
        Whether an answer holds its id, for labels that name it.
    capture
        What gives the record values of the instances; None to give it none.
    computing
        What computes answers that take long; None to compute all in the event loop.

    Attributes
    ----------
    host
        Holder of the model.
    """

    def __init__(
        self,
        host: ModelHost,
        *,
        profile: bool = True,
        labels: bool = False,
        capture: RowCapture | None = None,
        computing: "Computing | None" = None,
    ) -> None:
        self.host = host
        self._computing = computing
        self._profile = profile
        self._labels = labels
        self._capture = capture

    @classmethod
    def of(cls, settings: InferenceSettings, host: ModelHost, computing: "Computing | None" = None) -> "Answering":
        """What the settings ask for."""
        return cls(
            host,
            profile=settings.profile,
            labels=settings.labels,
            capture=RowCapture.of(settings),
            computing=computing,
        )

    async def reply(self, asked: Asked, scope: "Scope", *, version: str | None = None) -> Reply:
        """Answer a request, and fill its record.

        Parameters
        ----------
        version
            Name of the version that has to answer, out of the experiment; None for the one that the request belongs to.

        Raises
        ------
        RequestError, ModelNotReady
            It cannot be answered as it stands, or not now, or no model is loaded.
        """
        model = await self.host.current()
        trial = self.host.trial
        answer = partial(self._reply, model, trial, asked, scope, version)
        if self._computing is None or (asked.is_short and _is_quick(model, trial)):
            return answer()
        return await self._computing.run(answer)

    def _reply(
        self, model: ServedModel, trial: Trial | None, asked: Asked, scope: "Scope", version: str | None
    ) -> Reply:
        """The same by the versions in memory, in whatever thread."""
        record = record_of(scope)
        if version is not None:
            answer, trial = self._by_name(version, model, trial, asked), None
        else:
            if trial is not None and _asks_for_champion(scope):
                trial = None
            if trial is None:
                answer = self._answer(model, asked)
            elif trial.answers:
                answer = self._with_canary(trial, asked, scope, record)
            else:
                answer = self._with_shadow(trial, asked, scope, record)
        model, scored, reply = answer.model, answer.scored, answer.reply
        name = model.reference.name
        record.instances, record.version = len(scored.predictions), name
        record.unknown_categories = scored.unknown_categories
        record.profile, record.prediction_id = scored.profile, answer.id
        if self._labels:
            record.answers = answers.encode(model.codes(scored.predictions))
        if self._capture:
            self._capture.add(record, model, scored.rows)
        headers = {"x-model-version": name, **reply.headers}
        if trial:
            headers[VARIANT_HEADER] = "challenger" if model is trial.model else "champion"
        if problem := self.host.problem:
            headers["x-model-problem"] = problem.code
        return Reply(reply.body, media_type=reply.media_type, headers=headers)

    def _by_name(self, version: str, model: ServedModel, trial: Trial | None, asked: Asked) -> _Answer:
        """The answer of the active version or of its challenger.

        Raises
        ------
        UnknownModel, RequestError, ModelNotReady
        """
        if version == model.reference.name:
            return self._answer(model, asked)
        if trial is None or version != trial.model.reference.name:
            raise UnknownModel(
                f"version {version[:_MAX_SHOWN]!r} is not served here", f"ask for {model.reference.name}"
            )
        asked.read(trial.model)  # what it refuses is the caller's to know
        told: dict[str, object] = {}
        answer = trial.answer(lambda challenger: self._answer(challenger, asked), told)
        if answer is None:
            why = told.get("failed") or told.get("refused")
            raise ModelNotReady(f"{version} gives no answer ({why})", f"ask for {model.reference.name}")
        return answer

    def _with_canary(self, trial: Trial, asked: Asked, scope: "Scope", record: Record) -> _Answer:
        """The answer of the version that a request belongs to, or the champion's where the challenger has none."""
        taken = trial.takes(scope, record)
        record.experiment = trial.told("challenger" if taken else "champion")
        answer = trial.answer(lambda model: self._answer(model, asked), record.experiment) if taken else None
        return answer or self._answer(trial.champion, asked)

    def _with_shadow(self, trial: Trial, asked: Asked, scope: "Scope", record: Record) -> _Answer:
        """The champion's answer, which the challenger scores as well where the request belongs to the sample."""
        if not trial.takes(scope, record):
            return self._answer(trial.champion, asked)
        record.experiment = trial.told("champion")
        try:
            answer = self._answer(trial.champion, asked)
        except RequestError as refusal:
            trial.refuse(asked.read, refusal, record.experiment)
            raise
        trial.score(asked.read, answer.scored, record.experiment, labels=self._labels)
        return answer

    def _answer(self, model: ServedModel, asked: Asked) -> _Answer:
        """The answer of a version, which can be sent.

        Raises
        ------
        RequestError
        """
        scored = model.answer(asked.read(model), profile=self._profile)
        prediction_id = new_prediction_id() if self._labels or self._capture or scored.profile else ""
        reply = asked.write(model, scored, prediction_id if self._labels else "")
        return _Answer(model, scored, reply, prediction_id)
