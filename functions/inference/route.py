"""One route of the API, as FastAPI, the index and the OpenAPI document need it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skylift.http.reply import JSON

if TYPE_CHECKING:
    from fastapi import Response


LABELS_PATH = "/labels"
RETRAIN_PATH = "/retrain"
HISTORY_PATH = "/history"
"""Paths of the function `operations` that a plain server answers as well, where they are on; also those below."""


@dataclass(frozen=True, slots=True)
class Route:
    """A path with a method, and what is said about it.

    Parameters
    ----------
    path
        Path from the root of the API, for example `/health`.
    endpoint
        Coroutine function that answers; FastAPI gives it its parameters. Its name is the operation's id. None for a
        path that another function answers, which is only described.
    summary
        One line without a full stop, for the index and OpenAPI.
    method
        HTTP method.
    media_type
        Media type of the answer.
    status
        HTTP status of a request that succeeds.
    statuses
        Descriptions of further statuses with the same media type, by status.
    problems
        Descriptions of the problems that it may answer with, by status.
    name
        The operation's id for a route without endpoint, in snake case.
    operation
        Further members of the operation in OpenAPI.
    """

    path: str
    endpoint: "Callable[..., Awaitable[Response]] | None"
    summary: str
    method: str = "GET"
    media_type: str = JSON
    status: int = 200
    statuses: Mapping[int, str] = field(default_factory=dict)
    problems: Mapping[int, str] = field(default_factory=dict)
    name: str = ""
    operation: Mapping[str, object] = field(default_factory=dict)

    @property
    def operation_id(self) -> str:
        """The name in camel case, for example `modelInfo`."""
        first, *others = (self.endpoint.__name__ if self.endpoint else self.name).split("_")
        return first + "".join(word.capitalize() for word in others)
