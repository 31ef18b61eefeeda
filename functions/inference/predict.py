"""`POST /predict`: plain ASGI, so that a prediction pays for no framework; also behind the route of that path."""

from typing import TYPE_CHECKING, NamedTuple

from pydantic_core import to_json

from inference.capacity import check_answer
from inference.capture import RowCapture
from inference.host import ModelHost
from inference.model import ScoredRequest, ServedModel
from inference.trial import Trial
from skylift.challenger import VARIANT_HEADER
from skylift.errors import InvalidQuery, RequestError, SkyliftError
from skylift.http import problems
from skylift.http.body import read_body
from skylift.http.record import Record, new_prediction_id, record_of
from skylift.http.reply import Reply
from skylift.monitoring import answers
from skylift.scoring import add_sets

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

PATH = "/predict"

_VARIANT = VARIANT_HEADER.encode()


_SETS = {b"set=true": True, b"set=false": False}


def _asks_for_sets(scope: "Scope") -> bool:
    """Whether a request asks for prediction sets.

    Raises
    ------
    InvalidQuery
        It holds another value than true or false.
    """
    query: bytes = scope.get("query_string", b"")
    asked = [part for part in query.split(b"&") if part.partition(b"=")[0] == b"set"]
    if not all(part in _SETS for part in asked):
        raise InvalidQuery("set is neither true nor false", "ask for prediction sets by ?set=true")
    return any(_SETS[part] for part in asked)


class _Answer(NamedTuple):
    """What a version says to a request: the body of the response, and what it was made of."""

    model: ServedModel
    scored: ScoredRequest
    body: bytes
    id: str


def _asks_for_champion(scope: "Scope") -> bool:
    """Whether a request is to stay out of experiments."""
    return any(name == _VARIANT and value == b"champion" for name, value in scope["headers"])


class Predict:
    """An ASGI application that scores the instances of a body.

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
    """

    def __init__(
        self, host: ModelHost, *, profile: bool = True, labels: bool = False, capture: RowCapture | None = None
    ) -> None:
        self._host = host
        self._profile = profile
        self._labels = labels
        self._capture = capture

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request for `PATH`."""
        record = record_of(scope)
        if scope["method"] != "POST":
            reply = problems.of_status(405, scope["method"], PATH, record, headers={"allow": "POST"})
        else:
            try:
                reply = await self.reply(scope, receive)
            except SkyliftError as error:
                reply = problems.of_error(error, record)
        await reply.send(send)

    async def reply(self, scope: "Scope", receive: "Receive") -> Reply:
        """Read the body of a request and score it.

        Raises
        ------
        RequestError, ModelNotReady
            The body is not one that can be scored, or no model is loaded.
        """
        body = await read_body(scope, receive)
        model = await self._host.current()
        trial = self._host.trial
        if trial is not None and _asks_for_champion(scope):
            trial = None
        record = record_of(scope)
        if trial is None:
            answer = self._answer(model, body, scope)
        elif trial.answers:
            answer = self._with_canary(trial, body, scope, record)
        else:
            answer = self._with_shadow(trial, body, scope, record)
        model, scored = answer.model, answer.scored
        version = model.reference.name
        record.instances, record.version = len(scored.predictions), version
        record.unknown_categories = scored.unknown_categories
        record.profile, record.prediction_id = scored.profile, answer.id
        if self._labels:
            record.answers = answers.encode(model.codes(scored.predictions))
        if self._capture:
            self._capture.add(record, model, scored.rows)
        headers = {"x-model-version": version}
        if trial:
            headers[VARIANT_HEADER] = "challenger" if model is trial.model else "champion"
        if problem := self._host.problem:
            headers["x-model-problem"] = problem.code
        return Reply(answer.body, headers=headers)

    def _with_canary(self, trial: Trial, body: bytes, scope: "Scope", record: Record) -> "_Answer":
        """The answer of the version that a request belongs to, or the champion's where the challenger has none."""
        taken = trial.takes(scope, record)
        record.experiment = trial.told("challenger" if taken else "champion")
        answer = trial.answer(lambda model: self._answer(model, body, scope), record.experiment) if taken else None
        return answer or self._answer(trial.champion, body, scope)

    def _with_shadow(self, trial: Trial, body: bytes, scope: "Scope", record: Record) -> "_Answer":
        """The champion's answer, which the challenger scores as well where the request belongs to the sample."""
        if not trial.takes(scope, record):
            return self._answer(trial.champion, body, scope)
        record.experiment = trial.told("champion")
        try:
            answer = self._answer(trial.champion, body, scope)
        except RequestError as refusal:
            trial.refuse(body, refusal, record.experiment)
            raise
        trial.score(body, answer.scored, record.experiment, labels=self._labels)
        return answer

    def _answer(self, model: ServedModel, body: bytes, scope: "Scope") -> "_Answer":
        """The answer of a version, which can be sent.

        Raises
        ------
        RequestError
        """
        instances = model.schema.parse(body)
        scored = model.answer(instances, profile=self._profile)
        if scope.get("query_string") and _asks_for_sets(scope):
            target = model.manifest.contract.target
            if target.sets is None:
                raise InvalidQuery(
                    f"{model.reference.name} makes no prediction sets", "train it with sets, or leave set=true out"
                )
            add_sets(target, target.sets, scored.predictions)
        prediction_id = new_prediction_id() if self._labels or self._capture or scored.profile else ""
        content = {
            **({"id": prediction_id} if self._labels else {}),
            "model": model.manifest.model,
            "version": model.reference.name,
            "predictions": scored.predictions,
            "warnings": scored.warnings,
        }
        encoded = to_json(content, inf_nan_mode="null")
        check_answer(encoded, scored.predictions, scope)
        return _Answer(model, scored, encoded, prediction_id)
