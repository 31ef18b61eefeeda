"""Cuts botocore's descriptions of S3, SSM and KMS down to the operations that Skylift calls.

botocore reads 2.8 MB of JSON to make these two clients, of which Skylift needs a fiftieth; the rest costs each cold
start 40 ms and 15 MiB. botocore looks for such descriptions in folders that it is given before its own, so the cut
ones stand in `layers/skylift/botocore_data/` and whatever is not there still comes from botocore.

    python -m tools.botocore_data            writes them again, from the installed botocore; `make lock` does
"""

import json
import shutil
from pathlib import Path
from typing import Any

from botocore.loaders import Loader

FOLDER = Path(__file__).parents[1] / "layers" / "skylift" / "botocore_data"

OPERATIONS = {
    "kms": ("Sign", "Verify"),
    "s3": ("CreateBucket", "GetObject", "ListObjectsV2", "PutBucketVersioning", "PutObject"),
    "ssm": ("GetParameter", "GetParameterHistory", "GetParameters", "PutParameter"),
}
"""What the layer calls, and what `skylift up` needs to make its own bucket."""

_PROSE = {"documentation", "documentationUrl"}


def cut_down() -> dict[str, Any]:
    """The cut descriptions.

    Returns
    -------
    Documents by their path below the folder, without `.json`.
    """
    loader = Loader()
    documents: dict[str, Any] = {}
    for service, operations in OPERATIONS.items():
        version = loader.determine_latest_version(service, "service-2")
        description = loader.load_service_model(service, "service-2", version)
        documents[f"{service}/{version}/service-2"] = _only(description, operations)
    endpoints = loader.load_data("endpoints")
    for partition in endpoints["partitions"]:
        partition["services"] = {name: service for name, service in partition["services"].items() if name in OPERATIONS}
    documents["endpoints"] = endpoints
    return documents


def as_json(document: Any) -> str:
    """A document as its file holds it."""
    return json.dumps(document, separators=(",", ":"), sort_keys=True) + "\n"


def main() -> None:
    """Write the folder again from scratch."""
    documents = cut_down()
    shutil.rmtree(FOLDER, ignore_errors=True)
    for path, document in documents.items():
        file = FOLDER / f"{path}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(as_json(document), encoding="utf-8")


def _only(description: dict[str, Any], operations: tuple[str, ...]) -> dict[str, Any]:
    kept = {name: description["operations"][name] for name in operations}
    shapes = _reachable(description["shapes"], list(_references(kept)))
    return description | {"operations": _without_prose(kept), "shapes": _without_prose(shapes)}


def _reachable(shapes: dict[str, Any], names: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while names:
        name = names.pop()
        if name not in found:
            found[name] = shapes[name]
            names += _references(shapes[name])
    return found


def _references(part: Any) -> set[str]:
    """Names of the shapes that a part of a description mentions."""
    if isinstance(part, list):
        return set().union(*map(_references, part)) if part else set()
    if not isinstance(part, dict):
        return set()
    own = {part["shape"]} if isinstance(part.get("shape"), str) else set()
    return own.union(*map(_references, part.values()))


def _without_prose(part: Any) -> Any:
    if isinstance(part, list):
        return [_without_prose(each) for each in part]
    if not isinstance(part, dict):
        return part
    return {name: _without_prose(each) for name, each in part.items() if name not in _PROSE or isinstance(each, dict)}


if __name__ == "__main__":
    main()
