"""`POST /predict`: plain ASGI, so that a prediction pays for no framework; also behind the route of that path."""

from typing import TYPE_CHECKING

from pydantic_core import to_json

from inference import problems
from inference.body import read_body
from inference.capacity import check_answer
from inference.host import ModelHost
from inference.record import record_of
from inference.reply import Reply
from skylift.errors import SkyliftError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

PATH = "/predict"


class Predict:
    """An ASGI application that scores the instances of a body.

    Parameters
    ----------
    host
        Holder of the model.
    """

    def __init__(self, host: ModelHost) -> None:
        self._host = host

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
        instances = model.schema.parse(body)
        answer = model.answer(instances)
        version = model.reference.name
        content = {
            "model": model.manifest.model,
            "version": version,
            "predictions": answer.predictions,
            "warnings": answer.warnings,
        }
        encoded = to_json(content, inf_nan_mode="null")
        check_answer(encoded, answer.predictions, scope)
        record = record_of(scope)
        record.instances, record.version = len(instances), version
        record.unknown_categories = answer.unknown_categories
        headers = {"x-model-version": version}
        if problem := self._host.problem:
            headers["x-model-problem"] = problem.code
        return Reply(encoded, headers=headers)
