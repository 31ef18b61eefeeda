"""`POST /predict`: plain ASGI, so that a prediction pays for no framework; also behind the route of that path."""

from typing import TYPE_CHECKING, NamedTuple

from pydantic_core import to_json

from inference.answering import Answering
from inference.capacity import check_answer
from inference.model import ScoredRequest, ServedModel
from skylift.contract import Instance
from skylift.errors import InvalidQuery, SkyliftError
from skylift.http import problems
from skylift.http.body import read_body
from skylift.http.record import record_of
from skylift.http.reply import Reply
from skylift.scoring import add_sets

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

PATH = "/predict"

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


class _Body(NamedTuple):
    """The body of a request, with what its answer depends on."""

    body: bytes
    scope: "Scope"

    def read(self, model: ServedModel) -> list[Instance]:
        """See `Asked`."""
        return model.schema.parse(self.body)

    def write(self, model: ServedModel, scored: ScoredRequest, prediction_id: str) -> Reply:
        """See `Asked`."""
        if self.scope.get("query_string") and _asks_for_sets(self.scope):
            target = model.manifest.contract.target
            if target.sets is None:
                raise InvalidQuery(
                    f"{model.reference.name} makes no prediction sets", "train it with sets, or leave set=true out"
                )
            add_sets(target, target.sets, scored.predictions)
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
        return await self._answering.reply(_Body(await read_body(scope, receive), scope), scope)
