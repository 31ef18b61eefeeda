"""The routes of the API, by FastAPI. To add one, write its function and one entry of `ROUTES`."""

import time
from collections.abc import Awaitable
from contextlib import suppress
from datetime import UTC, datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from inference.answering import Answering
from inference.beside import beside
from inference.challengers import Challengers
from inference.drift_status import LatestReport
from inference.host import ModelHost
from inference.openapi import openapi_document
from inference.page_files import FILES_PATH, POLICY, page, prefers_page
from inference.predict import PATH as PREDICTION_PATH
from inference.predict import Predict
from inference.process_state import resident_bytes
from inference.route import Route
from inference.settings import InferenceSettings
from inference.v2.app import V2, InFront
from inference.v2.described import V2_ROUTES
from skylift.background import BACKGROUND_FILE
from skylift.bucket import Bucket
from skylift.errors import (
    AwsUnavailable,
    IntegrityError,
    ModelCardAbsent,
    ModelCardUnavailable,
    ModelNotReady,
    ReportAbsent,
    ReportUnavailable,
)
from skylift.http.paths import path_of_caller
from skylift.http.preflight import Preflight
from skylift.http.record import record_of
from skylift.http.reply import JSON
from skylift.http.starlette_problems import answer_with_problems, as_response
from skylift.interface import contract_digest
from skylift.model_card import CARD_FILE, as_shown
from skylift.monitoring.report_store import ReportStore
from skylift.observability import logger
from skylift.version import __version__

if TYPE_CHECKING:
    from inference.server_metrics import ServerMetrics
    from skylift.references import Reference


HTML = "text/html"
TEXT = "text/plain; version=0.0.4"

_NO_SCRIPT = (  # a card is its publisher's: in a `sandbox` it runs nothing, sends no form and has no origin
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox"
)


async def _host(request: Request) -> ModelHost:  # a plain function would cost a thread hop per request
    host: ModelHost = request.app.state.host
    return host


Host = Annotated[ModelHost, Depends(_host)]


async def predict(request: Request) -> Response:
    """Score the instances of the body; see `inference.predict`."""
    answers: Predict = request.app.state.predict
    return as_response(await answers.reply(request.scope, request.receive))


async def health(request: Request, host: Host) -> Response:
    """Say whether this environment lives, whether it can answer, and the code of what is wrong.

    Anybody may ask: the words, which name parameters, files and what AWS answered, are in the log alone.
    """
    with suppress(ModelNotReady):
        await host.current()
    settings: InferenceSettings = request.app.state.settings
    model, problem = host.model, host.problem
    status = "unavailable" if model is None else "degraded" if problem else "ok"
    document = {
        "status": status,
        "live": True,
        "ready": model is not None,
        "service_version": __version__,
        "release": settings.release or None,
        "image": settings.image_digest or None,
        "uptime_seconds": round(time.monotonic() - host.started, 3),
        "memory_mib": round(memory / 2**20, 1) if (memory := resident_bytes()) else None,
        "model": {
            "name": settings.model,
            "reference": str(model.reference) if model else None,
            "loaded_at": model.loaded_at if model else None,
            "pointer_age_seconds": None if host.pointer_age is None else round(host.pointer_age, 3),
        },
        "problem": {
            "code": problem.code,
            "since": problem.since,
            "reference": str(problem.reference) if problem.reference else None,
        }
        if problem
        else None,
        "challenger": _challenger(host.challengers),
    }
    return Response(to_json(document), 200 if model else 503, media_type=JSON)


def _challenger(challengers: Challengers) -> dict[str, Any] | None:
    """What is on trial here, or should be; while it is not, the champion answers and nothing is degraded."""
    wanted, problem = challengers.wanted, challengers.problem
    if wanted is None and problem is None:
        return None
    return {
        "id": wanted.id if wanted else None,
        "reference": str(wanted.reference) if wanted else None,
        "mode": wanted.mode if wanted else None,
        "percent": wanted.percent if wanted else None,
        "on_trial": challengers.trial is not None,
        "problem": {"code": problem.code, "since": problem.since} if problem else None,
    }


async def model_info(host: Host) -> Response:
    """Describe the active version: its contract, how good it is and where it comes from."""
    model = await host.current()
    document: dict[str, Any] = model.manifest.model_dump(
        mode="json", exclude={"golden", "artifacts"}, exclude_none=True
    )
    document["version"] = model.reference.name
    document["reference"] = str(model.reference)
    document["max_instances"] = model.schema.max_instances
    document["explains"] = BACKGROUND_FILE in model.manifest.artifacts
    document["contract_digest"] = contract_digest(model.manifest.contract)
    return Response(to_json(document), media_type=JSON, headers={"x-model-version": model.reference.name})


async def openapi(request: Request, host: Host) -> Response:
    """Describe the API by the active contract."""
    model = await host.current()
    document = openapi_document(model, request.app.state.routes, labels=request.app.state.settings.labels)
    return Response(to_json(document), media_type=JSON)


async def docs() -> HTMLResponse:
    """A page to read the contract and to try it; it reads `/model-info`, so it follows the active version."""
    page = files("inference").joinpath("docs.html").read_text(encoding="utf-8")
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
    return HTMLResponse(page, headers={"content-security-policy": policy})


async def model_card(request: Request, host: Host) -> HTMLResponse:
    """Show the model card of the active version; fetched on the first request, and cached while it serves."""
    model = await host.current()
    if CARD_FILE not in model.manifest.artifacts:
        raise ModelCardAbsent(f"{model.reference.name} has no model card", "train and promote a newer version")
    page: tuple[Reference, bytes] | None = request.app.state.card
    if page is None or page[0] != model.reference:
        try:
            card = await host.artifact(model, CARD_FILE)
        except (IntegrityError, AwsUnavailable) as error:
            logger.warning(
                "the model card cannot be read",
                extra={"correlation_id": record_of(request.scope).request_id, "why": error.message},
            )
            raise ModelCardUnavailable(
                f"the model card of {model.reference.name} cannot be read now ({error.code})",
                "try again shortly; predictions are not affected",
            ) from error
        request.app.state.card = page = (model.reference, card)
    report = None
    with suppress(ReportAbsent, ReportUnavailable):  # what cannot be read was logged
        report = await _told(request, _latest(request).read())
    shown = as_shown(page[1], model.reference, model.manifest, report)
    headers = {"content-security-policy": _NO_SCRIPT, "x-model-version": model.reference.name}
    return HTMLResponse(shown, headers=headers)


async def drift_status(request: Request) -> Response:
    """Say what the monitor last found: whether the traffic is still like training, and how right answers may be."""
    report = await _told(request, _latest(request).read())
    return Response(to_json(report.status(datetime.now(UTC))), media_type=JSON)


async def drift_report(request: Request) -> HTMLResponse:
    """Show the same as a page, with pictures."""
    page = await _told(request, _latest(request).page())
    return HTMLResponse(page, headers={"content-security-policy": _NO_SCRIPT})


def _latest(request: Request) -> LatestReport:
    latest: LatestReport = request.app.state.latest
    return latest


async def _told[Read](request: Request, reading: Awaitable[Read]) -> Read:
    """What is read of the latest report; why it cannot be is for the log alone."""
    try:
        return await reading
    except ReportUnavailable as error:
        logger.warning(
            "the latest report cannot be read",
            extra={"correlation_id": record_of(request.scope).request_id, "why": str(error.__cause__)},
        )
        raise


async def metrics(request: Request) -> Response:
    """Tell Prometheus what this process has done since it started, and what the monitor last found."""
    counted: ServerMetrics = request.app.state.metrics
    latest: LatestReport = request.app.state.latest
    report = None
    with suppress(ReportAbsent, ReportUnavailable):  # `/drift-status` says why; the rest is known nevertheless
        report = await latest.read()
    return Response(counted.text(report), media_type=TEXT, headers={"cache-control": "no-store"})


async def index(request: Request, host: Host) -> Response:
    """The page for people to a browser; to anybody else the name of the model and what can be asked."""
    if prefers_page(",".join(request.headers.getlist("accept"))):
        return _page(request)
    document = {
        "name": "skylift",
        "model": request.app.state.settings.model,
        "version": host.model.reference.name if host.model else None,
        "paths": {f"{route.method} {route.path}": route.summary for route in request.app.state.routes},
    }
    return Response(to_json(document), media_type=JSON, headers={"vary": "accept"})


def _page(request: Request) -> Response:
    """The page, at an address that ends with a slash: those of its files are relative to it."""
    if (asked := path_of_caller(request.scope)) and not asked.endswith("/"):
        return Response(status_code=307, headers={"location": f"{asked.rpartition('/')[2]}/", "vary": "accept"})
    html, _ = page()
    headers = {"content-security-policy": POLICY, "cache-control": "no-cache", "vary": "accept"}
    return HTMLResponse(html, headers=headers | {"referrer-policy": "no-referrer"})


async def page_file(digest: str, name: str) -> Response:
    """A file of the page."""
    file = page()[1].get(name)
    if file is None:
        raise HTTPException(404)
    return Response(file.body, media_type=file.media_type, headers=file.headers(digest))


_NO_MODEL = "No model is ready; see Retry-After"
_TOO_LARGE = "More than can be sent"

ROUTES = (
    Route(
        PREDICTION_PATH,
        predict,
        "Predictions for one or more instances",
        method="POST",
        problems={
            400: "Not JSON",
            413: "Too many instances or bytes, in the body or in its answer",
            415: "Not declared to be JSON, or compressed",
            422: "Fields break the contract",
            503: "No model is ready, or the server has too much to do; see Retry-After",
        },
    ),
    Route("/health", health, "Liveness, readiness and what is wrong", statuses={503: "No model is ready"}),
    Route(
        "/model-info",
        model_info,
        "The active version and its contract",
        problems={413: _TOO_LARGE, 503: _NO_MODEL},
    ),
    Route(
        "/model-card",
        model_card,
        "What the active version is, how good it is and where its limits are",
        media_type=HTML,
        problems={404: "The version was published without one", 413: _TOO_LARGE, 503: _NO_MODEL},
    ),
    Route(
        "/drift-status",
        drift_status,
        "What the monitor last found: drift by feature, expected and live accuracy",
        problems={404: "The monitor has written no report", 503: "The report cannot be read now"},
    ),
    Route(
        "/drift-report",
        drift_report,
        "The same for people, with pictures of what moved",
        media_type=HTML,
        problems={404: "The monitor has written no report", 503: "The report cannot be read now"},
    ),
    Route("/docs", docs, "A page to read the contract and to try it", media_type=HTML),
    Route("/openapi.json", openapi, "The API by the active contract", problems={413: _TOO_LARGE, 503: _NO_MODEL}),
    Route("/", index, "The model and the paths of the API; for a browser, a page to use the model"),
)
"""The API: FastAPI, the index, the OpenAPI document and a test of the README read it."""

METRICS = Route("/metrics", metrics, "Requests, predictions, process and drift, for Prometheus", media_type=TEXT)
"""The route that a plain server has besides: on Lambda an environment knows nothing of the others."""


def create_routes(
    settings: InferenceSettings,
    host: ModelHost,
    bucket: Bucket | None = None,
    *,
    metrics: "ServerMetrics | None" = None,
) -> FastAPI:
    """Make a FastAPI application of the routes: the whole API, to serve by itself or to mount in another one.

    `AccessLog` around it writes a line with metrics per request; see docs/extending.md.

    Parameters
    ----------
    settings
        Settings of this environment.
    host
        Holder of the model.
    bucket
        Bucket with the monitor's reports; None to answer that it has none.
    metrics
        What `/metrics` answers; None for an API without it.
    """
    # The contract is only known at run time, so FastAPI's own description of the API is replaced.
    app = FastAPI(title="Skylift", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.settings, app.state.host, app.state.card = settings, host, None
    answering = Answering.of(settings, host)
    app.state.predict = Predict(answering)
    app.state.latest = LatestReport(ReportStore(bucket, settings.model) if bucket else None)
    app.state.metrics = metrics
    app.state.routes = (*ROUTES, *V2_ROUTES, *([METRICS] if metrics else ()), *beside(settings))
    for route in app.state.routes:
        if route.endpoint:
            app.add_api_route(route.path, route.endpoint, methods=[route.method], response_model=None)
    app.add_api_route(FILES_PATH, page_file, methods=["GET"], response_model=None)
    app.add_middleware(InFront, v2=V2(host, settings.model, answering))
    app.add_middleware(Preflight)
    answer_with_problems(app)
    return app
