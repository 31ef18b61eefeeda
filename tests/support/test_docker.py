"""Which containers of an engine are those of this process."""

import json
import subprocess
from subprocess import CompletedProcess

import pytest

from tests.support.docker import LABELLED, OWNER, own_containers

LABELS = {
    "mine": {LABELLED[1].partition("=")[0]: OWNER},
    "a function's": {"ministack.instance": f"{OWNER}:4566"},
    "theirs": {"ministack.instance": "host:4566", "owner": "skylift-tests-0123456789abcdef"},
}
VARIABLES = {"under sam local": ["PATH=/bin", f"OWNER={OWNER}"], "of another sam local": ["OWNER=anna"]}


def engine(arguments: list[str], **_: object) -> CompletedProcess[str]:
    """Docker with these containers, one of which ends between two commands."""
    known = [*LABELS, *VARIABLES]
    if arguments[2] == "ls":
        return CompletedProcess(arguments, 0, "\n".join([*known, "gone"]).replace(" ", "_"), "")
    asked = [name.replace("_", " ") for name in arguments[3:]]
    documents = [
        {"Id": name, "Config": {"Labels": LABELS.get(name, {}), "Env": VARIABLES.get(name, [])}}
        for name in asked
        if name in known
    ]
    gone = [f"Error response from daemon: No such container: {name}" for name in asked if name not in known]
    return CompletedProcess(arguments, bool(gone), json.dumps(documents), "\n".join(gone))


def test_they_say_so_in_a_label_or_in_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", engine)

    assert own_containers() == ["mine", "a function's", "under sam local"]
