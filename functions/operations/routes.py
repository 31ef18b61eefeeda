"""The routes of the function, by FastAPI."""

import asyncio

from fastapi import FastAPI, Request, Response
from pydantic_core import to_json

from operations.labels import Labels
from skylift.http.body import JSON_TYPES, read_body
from skylift.http.preflight import Preflight
from skylift.http.record import record_of
from skylift.http.reply import JSON
from skylift.http.starlette_problems import answer_with_problems

LABELS_PATH = "/labels"
LABEL_TYPES = (*JSON_TYPES, "application/x-ndjson", "application/jsonl")


async def labels(request: Request) -> Response:
    """Keep the labels of the body."""
    taker: Labels = request.app.state.labels
    body = await read_body(request.scope, request.receive, LABEL_TYPES)
    taken = await asyncio.to_thread(taker.take, body)  # S3 may be slow, and a plain server predicts meanwhile
    record_of(request.scope).labels = taken["labels"]
    return Response(to_json(taken), 202, media_type=JSON)


def create_routes(taker: Labels) -> FastAPI:
    """Make the application of the routes.

    Parameters
    ----------
    taker
        Taker of labels.
    """
    app = FastAPI(title="Skylift operations", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.labels = taker
    app.add_api_route(LABELS_PATH, labels, methods=["POST"], response_model=None)
    app.add_middleware(Preflight)
    answer_with_problems(app)
    return app
