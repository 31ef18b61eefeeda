"""Which containers of an engine are those of this process."""

import json

import pytest

from tests.support import docker as module
from tests.support.docker import LABELLED, OWNER, DockerFailed, own_containers

LABELS = {
    "mine": {LABELLED[1].partition("=")[0]: OWNER},
    "a function's": {"ministack.instance": f"{OWNER}:4566"},
    "theirs": {"ministack.instance": "host:4566", "owner": "skylift-tests-0123456789abcdef"},
}
VARIABLES = {"under sam local": ["PATH=/bin", f"OWNER={OWNER}"], "of another sam local": ["OWNER=anna"]}


def engine(*arguments: str, **_: object) -> str:
    """Docker with these containers, one of which ends between two commands."""
    if arguments[1] == "ls":
        return "\n".join([*LABELS, *VARIABLES, "gone"]).replace(" ", "_")
    container = arguments[-1].replace("_", " ")
    if container == "gone":
        raise DockerFailed("no such container")
    return f"{json.dumps(LABELS.get(container, {}))} {json.dumps(VARIABLES.get(container, []))}"


def test_they_say_so_in_a_label_or_in_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "docker", engine)

    assert own_containers() == ["mine", "a_function's", "under_sam_local"]
