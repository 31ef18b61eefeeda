"""Routes that the function `operations` answers under the same address: described here, served by a plain server."""

from inference.route import LABELS_PATH, RETRAIN_PATH, Route
from inference.settings import InferenceSettings
from skylift.http.reply import JSON

LABELS = Route(
    LABELS_PATH,
    None,
    "Takes the true answers of predictions, a whole body or nothing of it",
    method="POST",
    status=202,
    problems={
        400: "Not JSON",
        413: "Too many labels or bytes",
        415: "Neither JSON nor JSON lines, or compressed",
        422: "Entries that are not labels",
        503: "The labels cannot be kept now; see Retry-After",
    },
    name="labels",
)

_REQUEST = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "reason": {"type": "string", "minLength": 1, "maxLength": 500, "description": "Why, in words"},
        "rollout": {
            "type": "string",
            "enum": ["none", "manual", "auto"],
            "default": "none",
            "description": "What follows a published version: nothing, a rollout once a person approved it, a rollout",
        },
    },
}

RETRAIN = Route(
    RETRAIN_PATH,
    None,
    "Trains again: snapshot, training, gates, publishing; Location says where to ask how far it is",
    method="POST",
    status=202,
    problems={
        400: "Not JSON",
        409: "Another one runs; see Location",
        413: "Too many bytes",
        415: "Not declared to be JSON, or compressed",
        422: "Members that cannot be read, or a key of another request",
        503: "It cannot be started now; see Retry-After",
    },
    name="retrain",
    operation={
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
                "description": "Of two requests with the same key, the second finds what the first started",
            }
        ],
        "requestBody": {"required": False, "content": {JSON: {"schema": _REQUEST}}},
    },
)

RETRAINING = Route(
    f"{RETRAIN_PATH}/{{id}}",
    None,
    "How far a retraining is: state, step, versions, gates, and why it was refused or failed",
    problems={404: "No such retraining", 503: "It cannot be read now; see Retry-After"},
    name="retraining",
    operation={"parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]},
)


def beside(settings: InferenceSettings) -> tuple[Route, ...]:
    """The routes that are on."""
    return (*([LABELS] if settings.labels else ()), *([RETRAIN, RETRAINING] if settings.retraining else ()))
