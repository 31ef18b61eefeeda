"""`POST /predict`: plain ASGI, so that a prediction pays for no framework; also behind the route of that path."""

from typing import TYPE_CHECKING

from pydantic_core import to_json

from inference.capacity import check_answer
from inference.capture import RowCapture
from inference.host import ModelHost
from skylift.errors import SkyliftError
from skylift.http import problems
from skylift.http.body import read_body
from skylift.http.record import new_prediction_id, record_of
from skylift.http.reply import Reply
from skylift.monitoring import answers

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

PATH = "/predict"


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
        instances = model.schema.parse(body)
        answer = model.answer(instances, profile=self._profile)
        version = model.reference.name
        prediction_id = new_prediction_id() if self._labels or self._capture or answer.profile else ""
        content = {
            **({"id": prediction_id} if self._labels else {}),
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
        record.profile, record.prediction_id = answer.profile, prediction_id
        if self._labels:
            record.answers = answers.encode(model.codes(answer.predictions))
        if self._capture:
            self._capture.add(record, model, answer.rows)
        headers = {"x-model-version": version}
        if problem := self._host.problem:
            headers["x-model-problem"] = problem.code
        return Reply(encoded, headers=headers)
