"""The paths of the protocol: plain ASGI, in front of the other routes; see docs/v2.md."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from inference.answering import SHORT_BYTES, Answering
from inference.capacity import check_answer
from inference.host import ModelHost
from inference.model import ScoredRequest, ServedModel
from inference.v2 import is_v2, mapping, messages
from skylift.contract import Instance
from skylift.errors import SkyliftError
from skylift.http import problems
from skylift.http.body import JSON_TYPES, read_body
from skylift.http.errors import InvalidInstance, UnknownModel
from skylift.http.record import Record, record_of
from skylift.http.reply import JSON, Reply
from skylift.version import __version__

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

PROTOCOL = "v2"
"""What the line of a request for predictions names as its protocol."""

_MEDIA_TYPES = (*JSON_TYPES, messages.OCTETS, "")
"""Clients declare bodies to be bytes, or nothing."""

_EXTENSIONS = ("binary_tensor_data",)
_MAX_SHOWN = 60


class V2:
    """The protocol, as an ASGI application.

    Parameters
    ----------
    host
        Holder of the model.
    name
        Name of the model.
    answering
        What answers requests for predictions.
    """

    def __init__(self, host: ModelHost, name: str, answering: Answering) -> None:
        self._host = host
        self._name = name
        self._answering = answering

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request."""
        record = record_of(scope)
        try:
            reply = await self._reply_or_refusal(scope, receive, record)
        except Exception:
            await _in_v2(problems.internal(record), "Internal error: see the logs of this request").send(send)
            raise  # to the request log, which has the trace
        await reply.send(send)

    async def _reply_or_refusal(self, scope: "Scope", receive: "Receive", record: Record) -> Reply:
        try:
            return await self._reply(scope, receive, record)
        except SkyliftError as error:
            return _in_v2(problems.of_error(error, record), _text_of(error))

    async def _reply(self, scope: "Scope", receive: "Receive", record: Record) -> Reply:
        """The answer to one request.

        Raises
        ------
        RequestError, ModelNotReady
        """
        path = _path_of(scope).rstrip("/")
        method = scope["method"]
        match path.split("/")[2:]:
            case []:
                answer = self._server
            case ["health", "live"]:
                answer = self._live
            case ["health", "ready"]:
                answer = self._ready
            case ["models"]:
                answer = self._models
            case ["models", name, *rest]:
                return await self._of_model(name, rest, scope, receive)
            case _:
                return _nowhere(scope, record)
        if method != "GET":
            return _not_allowed(scope, record, "GET")
        return _document(await answer(), scope)

    async def _of_model(self, name: str, rest: list[str], scope: "Scope", receive: "Receive") -> Reply:
        """The answer of a path below a model."""
        record, version = record_of(scope), None
        if rest[:1] == ["versions"] and len(rest) > 1:
            version, rest = rest[1], rest[2:]
        if rest not in ([], ["ready"], ["infer"]):
            return _nowhere(scope, record)
        if rest == ["infer"]:
            record.protocol = PROTOCOL
        if name != self._name:
            raise UnknownModel(f"model {name[:_MAX_SHOWN]!r} is not served here", f"ask for {self._name}")
        allowed = "POST" if rest == ["infer"] else "GET"
        if scope["method"] != allowed:
            return _not_allowed(scope, record, allowed)
        if rest == ["infer"]:
            asked = _Inference(await read_body(scope, receive, _MEDIA_TYPES), scope)
            return await self._answering.reply(asked, scope, version=version)
        model = await self._version(version)
        told = _document(self._ready_of(model) if rest else self._metadata(model), scope)
        return replace(told, headers={"x-model-version": model.reference.name})

    async def _server(self) -> dict[str, Any]:
        return {"name": "skylift", "version": __version__, "extensions": _EXTENSIONS}

    async def _live(self) -> dict[str, Any]:
        return {"live": True}

    async def _ready(self) -> dict[str, Any]:
        await self._host.current()
        return {"ready": True}

    async def _models(self) -> dict[str, Any]:
        return {"models": [self._name]}

    def _ready_of(self, model: ServedModel) -> dict[str, Any]:
        return {"name": self._name, "version": model.reference.name, "ready": True}

    def _metadata(self, model: ServedModel) -> dict[str, Any]:
        contract = model.manifest.contract
        return {
            "name": self._name,
            "versions": [each.reference.name for each in self._served()],
            "platform": "onnxruntime_onnx" if model.manifest.compiled.format == "onnx" else "sklearn_joblib",
            "inputs": mapping.inputs_of(contract),
            "outputs": mapping.outputs_of(contract),
        }

    async def _version(self, version: str | None) -> ServedModel:
        """The active version, or the one of a name.

        Raises
        ------
        ModelNotReady, UnknownModel
        """
        model = await self._host.current()
        for each in self._served():
            if version in {None, each.reference.name}:
                return each
        raise UnknownModel(
            f"version {str(version)[:_MAX_SHOWN]!r} is not served here", f"ask for {model.reference.name}"
        )

    def _served(self) -> list[ServedModel]:
        """The active version, and the one on trial."""
        trial = self._host.trial
        return [model for model in (self._host.model, trial.model if trial else None) if model]


class InFront:
    """A middleware: the protocol in front of an application that answers the other paths.

    Parameters
    ----------
    app
        The application.
    v2
        The protocol.
    """

    def __init__(self, app: "ASGIApp", v2: V2) -> None:
        self._app = app
        self._v2 = v2

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request."""
        mine = scope["type"] == "http" and is_v2(_path_of(scope))
        await (self._v2 if mine else self._app)(scope, receive, send)


class _Inference:
    """A request for predictions.

    Parameters
    ----------
    body
        Body of the request.
    scope
        ASGI scope of the request.
    """

    def __init__(self, body: bytes, scope: "Scope") -> None:
        self._body = body
        self._scope = scope
        self._request: messages.InferenceRequest | None = None

    @property
    def is_short(self) -> bool:
        """See `Asked`."""
        return len(self._body) <= SHORT_BYTES

    def read(self, model: ServedModel) -> list[Instance]:
        """See `Asked`."""
        return mapping.instances(self._parsed(model), model)

    def write(self, model: ServedModel, scored: ScoredRequest, prediction_id: str) -> Reply:
        """See `Asked`."""
        request = self._parsed(model)
        outputs = mapping.outputs(scored, model, request.outputs)
        wanted = request.outputs or {output.name: request.binary for output in outputs}
        parameters: dict[str, Any] = {}
        if prediction_id:
            parameters["prediction_id"] = prediction_id
        if scored.warnings:
            parameters["warnings"] = [_as_text(remark) for remark in scored.warnings]
        document = {
            "model_name": model.manifest.model,
            "model_version": model.reference.name,
            **({"id": request.id} if request.id is not None else {}),
            **({"parameters": parameters} if parameters else {}),
        }
        reply = messages.write_answer(document, outputs, {name for name, binary in wanted.items() if binary})
        check_answer(reply.body, scored.predictions, self._scope, is_text=reply.media_type == JSON)
        return reply

    def _parsed(self, model: ServedModel) -> messages.InferenceRequest:
        if self._request is None:
            headers = dict(self._scope["headers"])
            length = headers.get(messages.HEADER_LENGTH.encode())
            self._request = messages.read_request(
                self._body, None if length is None else length.decode("latin-1"), mapping.most_brackets(model)
            )
        return self._request


def _path_of(scope: "Scope") -> str:
    """The path below the one where the application is mounted."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def _document(content: dict[str, Any], scope: "Scope") -> Reply:
    reply = Reply(to_json(content))
    check_answer(reply.body, (), scope)
    return reply


def _in_v2(problem: Reply, text: str) -> Reply:
    """A problem in the form that the clients of the protocol read: exactly this type, and one member."""
    return Reply(to_json({"error": text}), problem.status, JSON, problem.headers)


def _text_of(error: SkyliftError) -> str:
    if not isinstance(error, InvalidInstance):
        return str(error)
    told = [f"{problem.field}: {problem.message}" for problem in error.problems]
    if error.total > len(told):
        told.append(f"and {error.total - len(told)} more")
    return "; ".join(told)


def _as_text(remark: dict[str, object]) -> str:
    """A warning of `/predict` in one sentence, with its place."""
    place = [f"row {remark['instance']}"] if remark["instance"] is not None else []
    place += [str(remark["field"])] if remark["field"] is not None else []
    return f"{', '.join(place)}: {remark['message']}" if place else str(remark["message"])


def _nowhere(scope: "Scope", record: Record) -> Reply:
    problem = problems.of_status(404, scope["method"], scope["path"], record)
    return _in_v2(problem, "no such path: GET / lists the paths")


def _not_allowed(scope: "Scope", record: Record, allowed: str) -> Reply:
    problem = problems.of_status(405, scope["method"], scope["path"], record, headers={"allow": allowed})
    return _in_v2(problem, f"method not allowed: send {allowed}")
