"""How large a request may be so that its answer can be sent: known at load time, and checked once more by the answer.

Lambda takes 6 MB from a function, and loses a larger answer: the caller gets 502, and the log says that all went well.
It counts the bytes of the document that holds the answer as a JSON string, where quotes and other letters than ASCII's
are escaped. HTTP and REST APIs take more than Lambda, an Application Load Balancer 1 MB.
"""

import json
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pydantic_core import to_json

from skylift.contract import Contract
from skylift.http.errors import AnswerTooLarge

if TYPE_CHECKING:
    from starlette.types import Scope

MAX_ANSWER_BYTES = 6 * 2**20 - 2**14
"""Lambda's limit without what the headers of an answer take."""

MAX_BALANCER_BYTES = 10**6 - 2**14
"""The same of an Application Load Balancer."""

MAX_CELLS = 2**20
"""Instances times features: their matrix takes 8 MiB, and a few copies of it live at the same time."""

_LARGEST_ESCAPE = 3
_WARNINGS = 300
_BYTES_OF_WARNING = 1600
_WIDEST_NUMBER = -2.2250738585072014e-308


def most_instances(contract: Contract) -> int:
    """The largest number of instances whose answer fits whatever the model says, and their matrix the memory."""
    target = contract.target
    widest: dict[str, object] = {"value": _WIDEST_NUMBER}
    if target.margins is not None:
        widest |= dict.fromkeys(("low", "high", "level"), _WIDEST_NUMBER)
    if target.classes:
        longest = max(target.classes, key=lambda name: len(to_json(name)))
        widest = {"label": longest, "probabilities": dict.fromkeys(target.keys, _WIDEST_NUMBER)}
    row = bytes_as_sent(to_json(widest)) + 1
    levels = (level for feature in contract.features for level in feature.levels)
    named = _longest(feature.name for feature in contract.features) + 6 * _longest(levels)
    warnings = min(_WARNINGS * (_BYTES_OF_WARNING + named), MAX_ANSWER_BYTES // 2)
    return max(min((MAX_ANSWER_BYTES - warnings) // row, MAX_CELLS // contract.width), 1)


def check_answer(
    body: bytes, predictions: Sequence[dict[str, object]], scope: "Scope", *, is_text: bool = True
) -> None:
    """Check that an answer can be sent.

    Parameters
    ----------
    body
        The whole answer.
    predictions
        The predictions in it; none in an answer of another kind.
    scope
        ASGI scope of the request.
    is_text
        Whether it is a document in JSON; bytes are sent in base64.

    Raises
    ------
    AnswerTooLarge
        It has too many bytes as Lambda sends it; the hint says how many instances fit, if it has predictions.
    """
    if len(body) * _LARGEST_ESCAPE <= MAX_BALANCER_BYTES:
        return
    context = (scope.get("aws.event") or {}).get("requestContext") or {}
    limit = MAX_BALANCER_BYTES if "elb" in context else MAX_ANSWER_BYTES
    if not is_text:
        size = 4 * math.ceil(len(body) / 3)
    else:
        size = bytes_as_sent(body) if len(body) * _LARGEST_ESCAPE > limit else 0
    if size > limit and not is_text:
        fitting = len(predictions) * limit // size
        raise AnswerTooLarge(
            f"the answer has {size:,} bytes of {limit:,}", f"send at most {fitting} rows in one request"
        )
    if size > limit and not predictions:
        raise AnswerTooLarge(
            f"the answer has {size:,} bytes of {limit:,}", "the names and descriptions in the contract are too long"
        )
    if size > limit:
        rows = [bytes_as_sent(to_json(each, inf_nan_mode="null")) + 1 for each in predictions]
        fitting, left = 0, limit - (size - sum(rows))
        while fitting < len(rows) and (left := left - rows[fitting]) >= 0:
            fitting += 1
        hint = f"send at most the first {fitting} of them in one request" if fitting else "it needs fewer classes"
        raise AnswerTooLarge(f"the answer to {len(rows)} instances has {size:,} bytes of {limit:,}", hint)


def bytes_as_sent(body: bytes) -> int:
    """The number of bytes that a JSON document takes as a string in another one, as Lambda's runtime writes it."""
    return len(json.dumps(body.decode())) - 2


def _longest(texts: Iterable[str]) -> int:
    return max(map(bytes_as_sent, map(to_json, texts)), default=0)
