"""A function with a back door to what it has imported, and what it may import until a compiled version predicts."""

import shutil
from pathlib import Path

from tests.support.lambda_runtime import LambdaRuntime

NOT_NEEDED = {
    "sklearn",
    "scipy",
    "pandas",
    "joblib",
    "boto3",
    "s3transfer",
    "onnx",
    "skl2onnx",
    "training",
    "prometheus_client",
}
NEEDED = {"onnxruntime", "numpy", "botocore", "mangum", "skylift"}
WEB_FRAMEWORK = {"fastapi", "starlette"}

PROBED = "probe.probe"
"""The handler."""

_PROBE = """
import sys

from inference.handler import handler

def probe(event, context):
    if event == "modules":
        return sorted({name.partition(".")[0] for name in sys.modules})
    return handler(event, context)
"""


def with_probe(task_root: Path, folder: Path) -> Path:
    """A copy of the task root with the back door."""
    root = shutil.copytree(task_root, folder, dirs_exist_ok=True)
    (root / "probe.py").write_text(_PROBE, encoding="utf-8")
    return root


def imported(runtime: LambdaRuntime) -> set[str]:
    """Top-level names of all that the function has imported."""
    return set(runtime.invoke("modules").payload)
