"""`POST /predict`: plain ASGI, so that a prediction pays for no framework; also behind the route of that path."""

from typing import TYPE_CHECKING

from pydantic_core import to_json

from inference import problems
from inference.capacity import check_answer
from inference.host import ModelHost
from inference.record import record_of
from inference.reply import JSON, Reply
from skylift.errors import BodyTooLarge, ClientGone, SkyliftError, WrongContentType

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

PATH = "/predict"

MAX_BODY_BYTES = 6 * 2**20
"""Lambda's own limit for a synchronous request."""

_MAX_DIGITS = 100


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
        body = await _json_body(scope, receive)
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


async def _json_body(scope: "Scope", receive: "Receive") -> bytes:
    """The body, if it is declared to be JSON and not too large.

    Raises
    ------
    WrongContentType, BodyTooLarge, ClientGone
    """
    declared, length = "", ""
    for name, value in scope["headers"]:
        if name == b"content-type":
            declared = value.decode("latin-1")
        elif name == b"content-length":
            length = value.decode("latin-1")
    media_type = declared.partition(";")[0].strip().lower()
    if media_type != JSON and not (media_type.startswith("application/") and media_type.endswith("+json")):
        raise WrongContentType(f"the content type is {declared[:100]!r}", f"send the header content-type: {JSON}")
    if length.isdecimal() and (len(length) > _MAX_DIGITS or int(length) > MAX_BODY_BYTES):
        raise _too_large()
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone("the connection was closed before the end of the body")
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > MAX_BODY_BYTES:
            raise _too_large()
        more = message.get("more_body", False)
    return b"".join(chunks)


def _too_large() -> BodyTooLarge:
    return BodyTooLarge(f"the body has more than {MAX_BODY_BYTES:,} bytes", "send it in several requests")
