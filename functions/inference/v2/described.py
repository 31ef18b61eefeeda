"""The paths of the protocol, as the index and the OpenAPI document need them; `inference.v2.app` answers them."""

from inference.route import Route
from inference.v2 import ROOT
from inference.v2.messages import MAX_DIMENSION, OCTETS
from inference.v2.tensors import DATATYPES
from skylift.http.reply import JSON

_NO_MODEL = "No model is ready; see Retry-After"
_UNKNOWN = "No such model or version"

_REQUEST = {
    "type": "object",
    "required": ["inputs"],
    "properties": {
        "id": {"type": "string", "description": "Comes back in the answer"},
        "parameters": {"type": "object", "description": "`binary_data_output`: whether outputs are bytes"},
        "inputs": {
            "type": "array",
            "minItems": 1,
            "description": "One tensor for each feature, or one of any name with all of them in order",
            "items": {
                "type": "object",
                "required": ["name", "shape", "datatype"],
                "properties": {
                    "name": {"type": "string"},
                    "shape": {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": 2,
                        "items": {"type": "integer", "minimum": 1, "maximum": MAX_DIMENSION},
                        "description": "Rows, or rows and columns",
                    },
                    "datatype": {"type": "string", "enum": [*DATATYPES]},
                    "parameters": {"type": "object"},
                    "data": {"type": "array", "description": "Nested or flat; null is a missing value"},
                },
            },
        },
        "outputs": {
            "type": "array",
            "description": "All outputs, without it",
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string"}, "parameters": {"type": "object"}},
            },
        },
    },
}

_ERRORS = {
    400: "Not JSON, or tensors that contradict themselves",
    404: _UNKNOWN,
    413: "Too many rows or bytes, in the body or in its answer",
    415: "Declared to be neither JSON nor bytes, or compressed",
    422: "Values or inputs that break the contract",
    503: "No model is ready, or the server has too much to do; see Retry-After",
}


def _parameters(*names: str) -> dict[str, object]:
    return {
        "parameters": [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
    }


def _of_model(path: str, names: tuple[str, ...], suffix: str) -> tuple[Route, ...]:
    """The three routes of a model, or of a version of it."""
    of = "a version that is served" if suffix else "the active version"
    inference = {
        **_parameters(*names),
        "requestBody": {
            "required": True,
            "content": {
                JSON: {"schema": _REQUEST},
                OCTETS: {"schema": {"description": "The document with the values of tensors behind it, as bytes"}},
            },
        },
    }
    return (
        Route(
            path,
            None,
            f"Inputs and outputs of {of}, by the V2 protocol",
            statuses={404: _UNKNOWN, 503: _NO_MODEL},
            name=f"v2_model{suffix}",
            operation=_parameters(*names),
        ),
        Route(
            f"{path}/ready",
            None,
            f"Whether {of} can answer, by the V2 protocol",
            statuses={404: _UNKNOWN, 503: _NO_MODEL},
            name=f"v2_model{suffix}_ready",
            operation=_parameters(*names),
        ),
        Route(
            f"{path}/infer",
            None,
            f"Predictions of {of} for tensors, by the V2 protocol",
            method="POST",
            statuses=_ERRORS,
            name=f"v2_infer{suffix}",
            operation=inference,
        ),
    )


V2_ROUTES = (
    Route(ROOT, None, "The server and its extensions, by the V2 protocol", name="v2_server"),
    Route(f"{ROOT}/health/live", None, "Liveness, by the V2 protocol", name="v2_live"),
    Route(
        f"{ROOT}/health/ready",
        None,
        "Readiness, by the V2 protocol",
        statuses={503: "No model is ready"},
        name="v2_ready",
    ),
    Route(f"{ROOT}/models", None, "The model that is served, by the V2 protocol", name="v2_models"),
    *_of_model(f"{ROOT}/models/{{model}}", ("model",), ""),
    *_of_model(f"{ROOT}/models/{{model}}/versions/{{version}}", ("model", "version"), "_version"),
)
"""The protocol's paths; their errors are `{"error": text}`."""
