"""What a caller sends is written nowhere: not where it is answered, refused, broken, or fails."""

import json
from dataclasses import replace
from typing import Any

import pytest

from skylift.monitoring.page import render
from skylift.scoring import Matrix
from tests.support.asgi_client import HttpClient
from tests.support.logs import iris_baseline, report_on_log
from tests.support.models import IRIS_SETOSA, iris_package
from tests.support.whole_service import Service

NUMBER, WORD, NAME = 5.10273, "Planted Person", "planted_name"
PLANTED = ("10273", "lanted")

ROOM = {"size": NUMBER, "rooms": 2, "area": "north", "lift": True}

BODIES: dict[str, Any] = {
    "answered": ROOM,
    "answered by position": {"features": [NUMBER, 2, "north", None]},
    "many": {"instances": [ROOM, ROOM | {"rooms": 510273}]},
    "a category that is unknown": ROOM | {"area": WORD},
    "a text for a number": ROOM | {"size": WORD},
    "an unknown name": ROOM | {NAME: WORD},
    "nothing but an unknown name": {NAME: NUMBER},
    "a nested value": ROOM | {"size": {NAME: [WORD]}},
    "a list": [WORD, NUMBER],
}


class Failing:
    """Repeats what it was given, as the words of a library's error may."""

    def scores(self, rows: Matrix) -> Matrix:
        raise ValueError(f"{WORD}: {rows.tolist()}")


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_no_line_of_a_request_holds_what_was_in_its_body(
    mixed: HttpClient, body: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = mixed.predict(body)
    written = capsys.readouterr()

    assert answer.status_code in {200, 422}
    assert json.loads(written.out.splitlines()[-1])["status"] == answer.status_code
    assert not [word for word in PLANTED if word in written.out + written.err]


@pytest.mark.parametrize("body", [f'{{"size": {WORD}', f'"{WORD}', f"{NUMBER}{WORD}", "\udc00" + WORD])
def test_nor_does_that_of_a_body_that_is_not_json(
    mixed: HttpClient, body: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = mixed.post(body.encode(errors="surrogatepass"))
    written = capsys.readouterr()

    assert answer.status_code == 400
    assert not [word for word in PLANTED if word in written.out + written.err]


def test_nor_do_the_lines_of_a_failure(serving: Service, capsys: pytest.CaptureFixture[str]) -> None:
    assert serving.host.model is not None
    serving.host.model = replace(serving.host.model, predictor=Failing())

    answer = serving.client.predict(IRIS_SETOSA | {"sepal_length": NUMBER})
    written = capsys.readouterr()

    assert answer.status_code == 500
    assert "stack_trace" in written.out
    assert not [word for word in PLANTED if word in written.out + written.err]


def test_nor_do_headers_and_query(mixed: HttpClient, capsys: pytest.CaptureFixture[str]) -> None:
    for path in ("/predict", "/health", "/nowhere"):
        mixed.request("GET", f"{path}?{NAME}={NUMBER}", headers={NAME.replace("_", "-"): WORD, "cookie": WORD})

    written = capsys.readouterr()
    assert not [word for word in PLANTED if word in written.out + written.err]


def test_nor_does_a_report_or_its_page(serving: Service, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    serving.client.predict({"instances": [IRIS_SETOSA | {"sepal_length": NUMBER}] * 40})
    serving.client.predict(IRIS_SETOSA | {"petal_width": WORD, NAME: WORD})

    report = report_on_log(capsys.readouterr().out)
    page = render(report, iris_baseline(), iris_package().describe(1).contract)

    assert report.window["rows"] == 40
    assert not [word for word in PLANTED if word in report.model_dump_json() + page.decode()]
