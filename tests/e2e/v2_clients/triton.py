"""Calls both services by Triton's client and prints what it read, as one JSON document.

Usage: python triton.py IRIS_ADDRESS TABLE_ADDRESS, each HOST:PORT.
"""

import json
import sys
from typing import Any

import numpy as np
import tritonclient.http as client
from tritonclient.utils import InferenceServerException

IRIS = np.array([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]])


def tensor(name: str, values: np.ndarray, datatype: str, *, binary: bool = True) -> client.InferInput:
    made = client.InferInput(name, list(values.shape), datatype)
    made.set_data_from_numpy(values, binary_data=binary)
    return made


def table(*, binary: bool) -> list[client.InferInput]:
    """Columns in another order than the contract's, of both shapes; one element of texts has no ASCII."""
    return [
        tensor("lift", np.array([True, False]), "BOOL", binary=binary),
        tensor("area", np.array(["north", "old town"], dtype=object).reshape(2, 1), "BYTES", binary=binary),
        tensor("rooms", np.array([2, 3], dtype=np.int32), "INT32", binary=binary),
        tensor("size", np.array([25.5, 70.0]).reshape(2, 1), "FP64", binary=binary),
    ]


def read(result: client.InferResult) -> dict[str, Any]:
    """The answer as the client has it: texts are bytes where they came as bytes."""
    response = result.get_response()
    outputs = {}
    for output in response["outputs"]:
        values = result.as_numpy(output["name"])
        if values.dtype == object:
            values = np.array([each.decode() if isinstance(each, bytes) else each for each in values])
        outputs[output["name"]] = {
            "values": values.tolist(),
            "classes": output["parameters"]["classes"],
            "binary": "binary_data_size" in output["parameters"],
        }
    return {"id": response.get("id"), "version": response["model_version"], "outputs": outputs}


def refused(call: Any) -> dict[str, str]:
    """The error of a call, as the client reads it."""
    try:
        call()
    except InferenceServerException as error:
        return {"status": error.status(), "message": error.message()}
    raise AssertionError("it was not refused")


def main(iris_address: str, table_address: str) -> None:
    """Run all calls."""
    iris, rents = (client.InferenceServerClient(address) for address in (iris_address, table_address))
    flowers = tensor("flowers", IRIS, "FP64")
    missing = [
        tensor("size", np.array([25.5, 70.0]), "FP64", binary=False),
        tensor("rooms", np.array([2.0, 3.0]), "FP64"),
        tensor("area", np.array(["north", "south"], dtype=object), "BYTES"),
        tensor("lift", np.array([1.0, np.nan], dtype=np.float32), "FP32", binary=False),  # a bare NaN in the JSON
    ]
    told = {
        "live": iris.is_server_live(),
        "ready": iris.is_server_ready(),
        "model ready": iris.is_model_ready("iris"),
        "version ready": iris.is_model_ready("iris", "v1"),
        "other model ready": iris.is_model_ready("rents"),
        "server": iris.get_server_metadata(),
        "model": rents.get_model_metadata("table"),
        "iris": read(iris.infer("iris", [flowers], request_id="42")),
        "iris by version": read(iris.infer("iris", [flowers], model_version="v1")),
        "iris in single precision": read(iris.infer("iris", [tensor("x", IRIS.astype(np.float32), "FP32")])),
        "table": read(rents.infer("table", table(binary=True))),
        "table in JSON": read(
            rents.infer(
                "table",
                table(binary=False),
                outputs=[
                    client.InferRequestedOutput("predict_proba", binary_data=True),
                    client.InferRequestedOutput("predict", binary_data=False),
                ],
            )
        ),
        "missing": read(rents.infer("table", missing)),
        "unknown output": refused(
            lambda: iris.infer("iris", [flowers], outputs=[client.InferRequestedOutput("probabilities")])
        ),
        "unknown version": refused(lambda: iris.infer("iris", [flowers], model_version="v9")),
        "unknown model": refused(lambda: iris.get_model_metadata("rents")),
        "wrong value": refused(
            lambda: iris.infer("iris", [tensor("flowers", np.array([[5.1, 3.5, np.nan, 0.2]]), "FP64")])
        ),
        "wrong shape": refused(lambda: iris.infer("iris", [tensor("flowers", IRIS[:, :3], "FP64")])),
        "too many": refused(lambda: iris.infer("iris", [tensor("flowers", np.ones((1001, 4), np.int8), "INT8")])),
    }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
