"""The clients of Triton, KServe and MLServer against both forms of the service, and the requests that tests keep.

They pin what fights Skylift's own pins, so they have an environment of their own (`make e2e` installs it). `RECORD=1`
writes what they send into tests/fixtures/v2.
"""

import json
import os
import subprocess
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from inference.server import HttpProtocol
from tests.support.asgi_client import HttpClient
from tests.support.events import handler_of
from tests.support.listening import listening
from tests.support.models import iris_package
from tests.support.paths import ROOT
from tests.support.v2_clients import CLIENTS, FIXTURES, REFUSALS, HttpApi, Sent, check_answer, check_refusal, recorded
from tests.support.waiting import TIMES_OUT
from tests.support.whole_service import mixed, standing

PROGRAMS = Path(__file__).parent / "v2_clients"
PYTHON = ROOT / "build" / "v2-clients" / "bin" / "python"


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> dict[str, HttpClient]:
    """Iris, and a table of every kind of column with missing values."""
    return {"iris": standing(iris_package()), "table": mixed(tmp_path_factory.mktemp("mixed"))}


def told_by(client: str, *addresses: str) -> dict[str, Any]:
    """What the program of a client read."""
    ran = subprocess.run(
        [PYTHON, PROGRAMS / f"{client}.py", *addresses], capture_output=True, text=True, timeout=TIMES_OUT, check=False
    )
    assert ran.returncode == 0, ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return told


def _note(order: list[tuple[str, Sent]], service: str, sent: Sent) -> None:
    order.append((service, sent))


def check(told: dict[str, Any], services: dict[str, HttpClient]) -> None:
    """Everything that a program read is right."""
    for case, read in told.items():
        if case in REFUSALS:
            check_refusal(case, read["status"], read["message"])
        elif case in {"live", "ready", "model ready", "version ready"}:
            assert read is True, case
        elif case == "other model ready":
            assert read is False
        elif case == "server":
            assert read["extensions"] == ["binary_tensor_data"]
        elif case == "model":
            assert {each["name"]: each["datatype"] for each in read["inputs"]} == {
                "size": "FP64",
                "rooms": "INT64",
                "area": "BYTES",
                "lift": "BOOL",
            }
        else:
            check_answer(case, read, services)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_of_the_plain_server(client: str, services: dict[str, HttpClient]) -> None:
    with ExitStack() as stack:
        addresses = [
            stack.enter_context(listening(services[name].app, http=HttpProtocol)) for name in ("iris", "table")
        ]
        told = told_by(client, *addresses)

    check(told, services)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_of_the_function_sends_what_is_recorded(client: str, services: dict[str, HttpClient]) -> None:
    apis = {name: HttpApi(handler_of(service.app)) for name, service in services.items()}
    order: list[tuple[str, Sent]] = []
    for name, api in apis.items():
        api.note = partial(_note, order, name)
    with ExitStack() as stack:
        told = told_by(client, *(stack.enter_context(api.listening()) for api in apis.values()))

    check(told, services)
    sent = [each.document(case=case, service=name) for case, (name, each) in zip(told, order, strict=True)]
    if os.environ.get("RECORD"):
        FIXTURES.mkdir(exist_ok=True)
        (FIXTURES / f"{client}.json").write_text(
            json.dumps(sent, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    kept = [each.document(case=case, service=name) for case, (name, each) in recorded(client).items()]
    assert sent == kept
