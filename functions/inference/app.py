"""The application: routes that parse, make one call into the domain and answer."""

import os
import time
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from pydantic_core import to_json
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse

from inference import problems
from inference.access_log import AccessLog, record_of
from inference.host import ModelHost
from inference.openapi import openapi_document
from inference.settings import InferenceSettings
from skylift.errors import BodyTooLarge, ClientGone, NoActiveVersion, WrongContentType

MAX_BODY_BYTES = 6 * 2**20
"""Lambda's own limit for a synchronous request."""

_JSON = "application/json"


async def _host(request: Request) -> ModelHost:  # a plain function would cost a thread hop per request
    host: ModelHost = request.app.state.host
    return host


Host = Annotated[ModelHost, Depends(_host)]

router = APIRouter()


async def predict(request: Request) -> Response:
    """Score the instances of the body."""
    host: ModelHost = request.app.state.host
    body = await _json_body(request)
    model = await host.current()
    instances = model.schema.parse(body)
    answer = model.answer(instances)
    record = record_of(request.scope)
    record.instances, record.version = len(instances), model.reference.name
    content = {
        "model": model.manifest.model,
        "version": model.reference.name,
        "predictions": answer.predictions,
        "warnings": answer.warnings,
    }
    body = to_json(content, inf_nan_mode="null")
    return Response(body, media_type=_JSON, headers={"x-model-version": model.reference.name})


@router.get("/health")
async def health(request: Request, host: Host) -> Response:
    """Say whether this environment lives, whether it can answer, and what is wrong."""
    try:
        await host.current()
    except NoActiveVersion:
        status = "unavailable"
    else:
        status = "degraded" if host.problem else "ok"
    model = host.model
    document = {
        "status": status,
        "live": True,
        "ready": model is not None,
        "uptime_seconds": round(time.monotonic() - request.app.state.started, 3),
        "memory_mib": _resident_mib(),
        "model": {
            "name": request.app.state.settings.model,
            "reference": str(model.reference) if model else None,
            "loaded_at": model.loaded_at if model else None,
            "pointer_age_seconds": None if host.pointer_age is None else round(host.pointer_age, 3),
        },
        "problem": {
            "what": host.problem.what,
            "since": host.problem.since,
            "reference": str(host.problem.reference) if host.problem.reference else None,
        }
        if host.problem
        else None,
    }
    return Response(to_json(document), 200 if model else 503, media_type=_JSON)


@router.get("/model-info")
async def model_info(host: Host) -> Response:
    """Describe the active version: its contract, how good it is and where it comes from."""
    model = await host.current()
    document: dict[str, Any] = model.manifest.model_dump(
        mode="json", exclude={"golden", "artifacts"}, exclude_none=True
    )
    document["version"] = model.reference.name
    document["reference"] = str(model.reference)
    return Response(to_json(document), media_type=_JSON, headers={"x-model-version": model.reference.name})


@router.get("/openapi.json")
async def openapi(request: Request, host: Host) -> Response:
    """Describe the API by the active contract."""
    model = await host.current()
    document = openapi_document(model, request.app.state.settings.max_instances)
    return Response(to_json(document), media_type=_JSON)


@router.get("/docs")
async def docs() -> HTMLResponse:
    """A page to read the contract and to try it; it reads `/model-info`, so it follows the active version."""
    page = files("inference").joinpath("docs.html").read_text(encoding="utf-8")
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:"
    )
    return HTMLResponse(page, headers={"content-security-policy": policy})


@router.get("/")
async def index(request: Request, host: Host) -> Response:
    """Name the model and what can be asked."""
    document = {
        "name": "skylift",
        "model": request.app.state.settings.model,
        "version": host.model.reference.name if host.model else None,
        "paths": {
            "POST /predict": "score instances",
            "GET /health": "liveness, readiness and what is wrong",
            "GET /model-info": "the active version and its contract",
            "GET /docs": "a page to read and to try it",
            "GET /openapi.json": "the API by the active contract",
        },
    }
    return Response(to_json(document), media_type=_JSON)


def create_app(settings: InferenceSettings, host: ModelHost) -> FastAPI:
    """Make the application.

    Parameters
    ----------
    settings
        Of this environment.
    host
        Holds the model.
    """
    # The contract is only known at run time, so FastAPI's own description of the API is replaced.
    app = FastAPI(title="Skylift", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.settings, app.state.host, app.state.started = settings, host, time.monotonic()
    app.include_router(router)
    # Below FastAPI's parameters: the contract reads the body, and solving them costs a tenth of a request.
    app.add_route("/predict", predict, methods=["POST"])
    problems.install(app)
    app.add_middleware(AccessLog, host=host, model=settings.model, stage=settings.stage)
    return app


async def _json_body(request: Request) -> bytes:
    """The body, if it is declared to be JSON and not too large.

    Raises
    ------
    WrongContentType, BodyTooLarge, ClientGone
    """
    declared = request.headers.get("content-type", "")
    media_type = declared.partition(";")[0].strip().lower()
    if media_type != _JSON and not (media_type.startswith("application/") and media_type.endswith("+json")):
        raise WrongContentType(f"the content type is {declared[:100]!r}", f"send the header content-type: {_JSON}")
    too_large = BodyTooLarge(f"the body has more than {MAX_BODY_BYTES:,} bytes", "send it in several requests")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > MAX_BODY_BYTES:
        raise too_large
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise too_large
    except ClientDisconnect as error:
        raise ClientGone("the connection was closed before the body came to its end") from error
    return bytes(body)


def _resident_mib() -> float | None:
    """Resident memory of this process in MiB; None where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return None
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)
