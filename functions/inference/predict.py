"""`POST /predict`: plain ASGI, so that a prediction pays for no framework; also behind the route of that path."""

from typing import TYPE_CHECKING, NamedTuple

from pydantic_core import to_json

from inference.answering import SHORT_BYTES, Answering
from inference.capacity import check_answer
from inference.model import ScoredRequest, ServedModel
from skylift.contract import Instance
from skylift.errors import SkyliftError
from skylift.http import problems
from skylift.http.body import read_body
from skylift.http.errors import InvalidQuery, TooManyInstances
from skylift.http.record import record_of
from skylift.http.reply import Reply
from skylift.scoring import add_sets

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from inference.reasons import Reasons

PATH = "/predict"

_SWITCH = {b"true": True, b"false": False}


def _asks_for(scope: "Scope", name: str, what: str) -> bool:
    """Whether the query of a request asks for more than the answers.

    Parameters
    ----------
    name, what
        Name of the parameter, and what it asks for, in words.

    Raises
    ------
    InvalidQuery
        It holds another value than true or false.
    """
    query: bytes = scope.get("query_string", b"")
    values = [part.partition(b"=")[2] for part in query.split(b"&") if part.partition(b"=")[0] == name.encode()]
    if not all(value in _SWITCH for value in values):
        raise InvalidQuery(f"{name} is neither true nor false", f"ask for {what} by ?{name}=true")
    return any(_SWITCH[value] for value in values)


class _Body(NamedTuple):
    """The body of a request, with what its answer depends on."""

    body: bytes
    scope: "Scope"
    sets: bool = False
    reasons: "Reasons | None" = None

    @property
    def is_short(self) -> bool:
        """See `Asked`."""
        return self.reasons is None and len(self.body) <= SHORT_BYTES

    def read(self, model: ServedModel) -> list[Instance]:
        """See `Asked`."""
        instances = model.schema.parse(self.body)
        if self.reasons and len(instances) > self.reasons.max_instances:
            raise TooManyInstances(
                f"more than {self.reasons.max_instances} instances to explain in one request",
                "send them in several requests, or leave explain=true out",
            )
        return instances

    def write(self, model: ServedModel, scored: ScoredRequest, prediction_id: str) -> Reply:
        """See `Asked`."""
        if self.sets:
            target = model.manifest.contract.target
            if target.sets is None:
                raise InvalidQuery(
                    f"{model.reference.name} makes no prediction sets", "train it with sets, or leave set=true out"
                )
            add_sets(target, target.sets, scored.predictions)
        if self.reasons:
            self.reasons.add(model, scored)
        content = {
            **({"id": prediction_id} if prediction_id else {}),
            "model": model.manifest.model,
            "version": model.reference.name,
            "predictions": scored.predictions,
            "warnings": scored.warnings,
        }
        encoded = to_json(content, inf_nan_mode="null")
        check_answer(encoded, scored.predictions, self.scope)
        return Reply(encoded)


class Predict:
    """An ASGI application that scores the instances of a body.

    Parameters
    ----------
    answering
        What answers.
    """

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._reasons: Reasons | None = None

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
            The query or the body is not one that can be scored, or no model is loaded.
        """
        body, unwatched = _Body(await read_body(scope, receive), scope), False
        if scope.get("query_string"):
            unwatched = _asks_for(scope, "unwatched", "answers that the monitor does not see")
            body = body._replace(sets=_asks_for(scope, "set", "prediction sets"))
            if _asks_for(scope, "explain", "reasons"):
                body = body._replace(reasons=await self._prepared())
        reply = await self._answering.reply(body, scope)
        if unwatched:
            record_of(scope).forget_rows()
        return reply

    async def _prepared(self) -> "Reasons":
        """What explains answers, imported when it is first asked for."""
        if self._reasons is None:
            from inference.reasons import Reasons

            self._reasons = Reasons(self._answering.host)
        await self._reasons.prepare()
        return self._reasons
