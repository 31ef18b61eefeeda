"""Calls both services with messages of MLServer's codecs and prints what they read, as one JSON document.

Usage: python mlserver_codecs.py IRIS_ADDRESS TABLE_ADDRESS, each HOST:PORT.
"""

import json
import sys
from typing import Any

import httpx
import numpy as np
import pandas as pd
from mlserver.codecs import NumpyCodec, NumpyRequestCodec, PandasCodec, StringCodec
from mlserver.codecs.json import encode_to_json
from mlserver.types import (
    InferenceErrorResponse,
    InferenceRequest,
    InferenceResponse,
    MetadataModelResponse,
    Parameters,
    RequestInput,
    RequestOutput,
)

FLOWERS = pd.DataFrame(
    [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]], columns=["sepal_length", "sepal_width", "petal_length", "petal_width"]
)
RENTS = pd.DataFrame({"lift": [True, False], "area": ["north", "old town"], "rooms": [2, 3], "size": [25.5, 70.0]})
MISSING = RENTS.assign(area=["north", "south"])


def with_missing_lift() -> InferenceRequest:
    """A column of mixed values: the codec fails at one with None, and would write it like this."""
    request = PandasCodec.encode_request(MISSING)
    data = [encode_to_json(value) for value in (True, None)]
    of_json = Parameters(content_type=PandasCodec.JsonContentType)
    request.inputs[0] = RequestInput(name="lift", datatype="BYTES", shape=[2, 1], data=data, parameters=of_json)
    return request


def post(address: str, model: str, request: InferenceRequest) -> httpx.Response:
    headers = {"content-type": "application/json"}
    content = request.model_dump_json()  # codecs without `use_bytes` leave bytes, which it writes as UTF-8
    return httpx.post(f"http://{address}/v2/models/{model}/infer", content=content, headers=headers)


def read(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    answer = InferenceResponse.model_validate_json(response.content)
    outputs = {output.name: output for output in answer.outputs}
    told: dict[str, Any] = {"predict": {"values": StringCodec.decode_output(outputs["predict"])}}
    if "predict_proba" in outputs:
        told["predict_proba"] = {"values": NumpyCodec.decode_output(outputs["predict_proba"]).tolist()}
    return {"id": answer.id, "version": answer.model_version, "outputs": told}


def refused(response: httpx.Response) -> dict[str, str]:
    error = InferenceErrorResponse.model_validate_json(response.content).error
    return {"status": str(response.status_code), "message": error or ""}


def main(iris: str, table: str) -> None:
    """Run all calls."""
    only_labels = PandasCodec.encode_request(FLOWERS)
    only_labels.outputs = [RequestOutput(name="predict")]
    bare = InferenceRequest(
        id="42",
        inputs=[
            RequestInput(name="size", datatype="FP64", shape=[2, 1], data=[[25.5], [70.0]]),
            RequestInput(name="rooms", datatype="INT64", shape=[2], data=[2, 3]),
            RequestInput(
                name="area",
                datatype="BYTES",
                shape=[2, 1],
                data=["bm9ydGg=", "c291dGg="],
                parameters=Parameters(content_type="base64"),
            ),
            RequestInput(name="lift", datatype="FP64", shape=[2], data=[1.0, float("nan")]),
        ],
    )
    model = httpx.get(f"http://{table}/v2/models/table")
    labels = post(iris, "iris", only_labels)
    frame = PandasCodec.decode_response(InferenceResponse.model_validate_json(labels.content))
    told = {
        "model": MetadataModelResponse.model_validate_json(model.content).model_dump(mode="json"),
        "iris as a frame": {"outputs": {"predict": {"values": frame["predict"].tolist()}}},
        "iris": read(post(iris, "iris", PandasCodec.encode_request(FLOWERS))),
        "iris as an array": read(post(iris, "iris", NumpyRequestCodec.encode_request(FLOWERS.to_numpy()))),
        "table": read(post(table, "table", PandasCodec.encode_request(RENTS))),
        "table in texts": read(post(table, "table", PandasCodec.encode_request(RENTS, use_bytes=False))),
        "missing": read(post(table, "table", with_missing_lift())),
        "bare NaN": read(
            httpx.post(f"http://{table}/v2/models/table/infer", content=json.dumps(bare.model_dump(mode="json")))
        ),
        "wrong value": refused(post(iris, "iris", PandasCodec.encode_request(FLOWERS.replace(1.4, np.nan)))),
        "unknown column": refused(
            post(iris, "iris", PandasCodec.encode_request(FLOWERS.rename(columns={"petal_width": "petal_widht"})))
        ),
    }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
