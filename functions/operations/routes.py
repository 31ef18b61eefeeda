"""The routes of the function, by FastAPI."""

import asyncio

from fastapi import FastAPI, Request, Response
from pydantic_core import to_json

from operations.fleet import Fleet
from operations.history import History
from operations.labels import Labels
from operations.retrains import Retrains
from skylift.errors import AwsUnavailable
from skylift.http.body import JSON_TYPES, read_body
from skylift.http.caller import caller_of
from skylift.http.errors import HistoryNotRead, MetricsNotRead
from skylift.http.preflight import Preflight
from skylift.http.record import record_of
from skylift.http.reply import JSON
from skylift.http.starlette_problems import answer_with_problems
from skylift.monitoring.exposition import CONTENT_TYPE
from skylift.monitoring.exposition import PATH as METRICS_PATH
from skylift.observability import logger

LABELS_PATH = "/labels"
HISTORY_PATH = "/history"
RETRAIN_PATH = "/retrain"
LABEL_TYPES = (*JSON_TYPES, "application/x-ndjson", "application/jsonl")

ASK_AGAIN_SECONDS = 5
"""A retraining changes in minutes."""


async def labels(request: Request) -> Response:
    """Keep the labels of the body."""
    taker: Labels = request.app.state.labels
    body = await read_body(request.scope, request.receive, LABEL_TYPES)
    taken = await asyncio.to_thread(taker.take, body)  # S3 may be slow, and a plain server predicts meanwhile
    record_of(request.scope).labels = taken["labels"]
    return Response(to_json(taken), 202, media_type=JSON)


async def retrain(request: Request) -> Response:
    """Start a retraining, or find the one that the same `Idempotency-Key` started."""
    retrains: Retrains = request.app.state.retrains
    headers = request.headers
    empty = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
    body = b"" if empty else await read_body(request.scope, request.receive)
    key, by = headers.get("idempotency-key"), caller_of(request.scope) or "a caller without a name"
    started = await asyncio.to_thread(retrains.begin, body, key, by)
    # Relative to the path that was asked, which may have more in front of it.
    headers_of_answer = {"location": f"retrain/{started.id}", "retry-after": str(ASK_AGAIN_SECONDS)}
    return Response(to_json(started.as_answer()), 202, media_type=JSON, headers=headers_of_answer)


async def retraining(request: Request) -> Response:
    """Tell how far a retraining is."""
    retrains: Retrains = request.app.state.retrains
    found = await asyncio.to_thread(retrains.find, request.path_params["id"])
    headers = {"cache-control": f"private, max-age={ASK_AGAIN_SECONDS}"}
    if not found.has_ended:
        headers["retry-after"] = str(ASK_AGAIN_SECONDS)
    return Response(to_json(found.as_answer()), media_type=JSON, headers=headers)


async def metrics(request: Request) -> Response:
    """The metrics of all environments, for Prometheus."""
    fleet: Fleet = request.app.state.fleet
    context = (request.scope.get("aws.event") or {}).get("requestContext") or {}
    try:
        text = await asyncio.to_thread(fleet.text, context.get("apiId") or "")
    except AwsUnavailable as error:
        logger.warning("the metrics cannot be read", extra={"why": error.message})
        hint = "try again shortly; predictions are not affected"
        raise MetricsNotRead(f"the metrics cannot be read now ({error.code})", hint) from error
    return Response(text, media_type=CONTENT_TYPE)


async def history(request: Request) -> Response:
    """Tell which versions there are, and who made them active."""
    known: History = request.app.state.history
    try:
        document = await asyncio.to_thread(known.read)
    except AwsUnavailable as error:
        logger.warning("the history cannot be read", extra={"why": error.message})
        hint = "try again shortly; predictions are not affected"
        raise HistoryNotRead(f"the history cannot be read now ({error.code})", hint) from error
    return Response(to_json(document), media_type=JSON)


def create_routes(taker: Labels, fleet: Fleet, history_of: History, retrains: Retrains | None = None) -> FastAPI:
    """Make the application of the routes.

    Parameters
    ----------
    taker
        Taker of labels.
    fleet
        Reader of the metrics of all environments.
    history_of
        Reader of versions and moves.
    retrains
        Starter of retrainings; None for no routes for them.
    """
    app = FastAPI(title="Skylift operations", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.labels, app.state.fleet, app.state.history = taker, fleet, history_of
    app.add_api_route(LABELS_PATH, labels, methods=["POST"], response_model=None)
    app.add_api_route(HISTORY_PATH, history, methods=["GET"], response_model=None)
    app.add_api_route(METRICS_PATH, metrics, methods=["GET"], response_model=None)
    if retrains is not None:
        app.state.retrains = retrains
        app.add_api_route(RETRAIN_PATH, retrain, methods=["POST"], response_model=None)
        app.add_api_route(f"{RETRAIN_PATH}/{{id}}", retraining, methods=["GET"], response_model=None)
    app.add_middleware(Preflight)
    answer_with_problems(app)
    return app
