"""Calls both services by KServe's client and prints what it read, as one JSON document.

Usage: python kserve_sdk.py IRIS_ADDRESS TABLE_ADDRESS, each HOST:PORT.
"""

import asyncio
import json
import sys
from typing import Any

import httpx
import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, InferResponse
from kserve.inference_client import RESTConfig
from kserve.protocol.infer_type import RequestedOutput

IRIS = np.array([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]])


def tensor(name: str, values: np.ndarray, datatype: str, *, binary: bool = True) -> InferInput:
    made = InferInput(name, list(values.shape), datatype)
    made.set_data_from_numpy(values, binary_data=binary)
    return made


def request(*inputs: InferInput, model: str = "iris", outputs: Any = None, **parameters: Any) -> InferRequest:
    return InferRequest(model, list(inputs), request_id="42", parameters=parameters or None, request_outputs=outputs)


def table(*, binary: bool) -> list[InferInput]:
    return [
        tensor("lift", np.array([True, False]), "BOOL", binary=binary),
        tensor("area", np.array(["north", "old town"], dtype=object).reshape(2, 1), "BYTES", binary=binary),
        tensor("rooms", np.array([2, 3]), "INT64", binary=binary),
        tensor("size", np.array([25.5, 70.0]), "FP64", binary=binary),
    ]


def read(response: InferResponse) -> dict[str, Any]:
    outputs = {}
    for output in response.outputs:
        values = output.as_numpy()
        if values.dtype.kind in "OSU":
            values = np.array([each.decode() if isinstance(each, bytes) else str(each) for each in values])
        outputs[output.name] = {"values": values.tolist(), "classes": output.parameters["classes"]}
    return {"id": response.id, "outputs": outputs}


async def refused(call: Any) -> dict[str, Any]:
    """The error of a call, as the client reads it: the text is in its message only where the type is exactly JSON."""
    try:
        await call
    except httpx.HTTPStatusError as error:
        return {"status": str(error.response.status_code), "message": str(error)}
    raise AssertionError("it was not refused")


async def main(iris_address: str, table_address: str) -> None:
    """Run all calls."""
    iris, rents = f"http://{iris_address}", f"http://{table_address}"
    flowers = tensor("flowers", IRIS, "FP64")
    missing = [
        tensor("size", np.array([25.5, 70.0]), "FP64"),
        tensor("rooms", np.array([2, 3]), "INT64"),
        InferInput("area", [2], "BYTES", ["north", "south"]),
        InferInput("lift", [2], "BOOL", [True, None]),
    ]
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        told = {
            "live": await client.is_server_live(iris),
            "ready": await client.is_server_ready(iris),
            "model ready": await client.is_model_ready(iris, "iris"),
            "other model ready": await client.is_model_ready(iris, "rents"),
            "iris": read(await client.infer(iris, request(flowers, binary_data_output=True), "iris")),
            "iris in JSON": read(await client.infer(iris, request(tensor("x", IRIS, "FP64", binary=False)), "iris")),
            "table": read(await client.infer(rents, request(*table(binary=True), model="table"), "table")),
            "table in JSON": read(
                await client.infer(
                    rents,
                    request(
                        *table(binary=False),
                        model="table",
                        outputs=[RequestedOutput("predict_proba", {"binary_data": True}), RequestedOutput("predict")],
                    ),
                    "table",
                )
            ),
            "missing": read(await client.infer(rents, request(*missing, model="table"), "table")),
            "unknown model": await refused(client.infer(iris, request(flowers), "rents")),
            "unknown output": await refused(
                client.infer(iris, request(flowers, outputs=[RequestedOutput("probabilities")]), "iris")
            ),
            "wrong value": await refused(
                client.infer(iris, request(tensor("flowers", np.array([[5.1, 3.5, np.nan, 0.2]]), "FP64")), "iris")
            ),
        }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
