"""A moved pointer switches the service: forth, back, and to another contract, while requests run."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from skylift.predictors import load_predictor
from skylift.registry import Registry
from skylift.settings import RegistrySettings
from tests.conftest import BUCKET, STAGE
from tests.support.models import IRIS_SETOSA, iris_package, uncompiled
from tests.support.tables import learned
from tests.support.waiting import TIMES_OUT
from tests.support.whole_service import REFRESH_SECONDS, Service
from training.release.packaging import Package, pack

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient


def test_a_promoted_version_answers_within_the_refresh_time(serving: Service) -> None:
    serving.release(iris_package("tree"))

    serving.clock.advance(REFRESH_SECONDS)

    assert serving.version() == "v2"


def test_until_then_the_version_in_place_answers(serving: Service) -> None:
    serving.release(iris_package("tree"))

    assert serving.version() == "v1"


def test_a_published_version_that_was_not_promoted_does_not_answer(serving: Service) -> None:
    serving.publish(iris_package("tree"))

    serving.pass_refresh()

    assert serving.version() == "v1"


def test_a_rollback_answers_within_the_refresh_time(serving: Service) -> None:
    serving.release(iris_package("tree"))
    serving.pass_refresh()
    serving.version()
    serving.registry.rollback()

    serving.clock.advance(REFRESH_SECONDS)

    assert serving.version() == "v1"


def test_the_new_model_gives_the_new_answers(serving: Service) -> None:
    before = serving.client.predict(IRIS_SETOSA).json()["predictions"]
    serving.release(iris_package("tree"))
    serving.pass_refresh()

    after = serving.client.predict(IRIS_SETOSA).json()["predictions"]

    assert before[0]["label"] == after[0]["label"] == "setosa"
    assert before[0]["probabilities"] != after[0]["probabilities"]


@pytest.mark.parametrize("path", ["/model-info", "/openapi.json", "/health"])
def test_a_switch_is_noticed_by_any_request(serving: Service, path: str) -> None:
    serving.release(iris_package("tree"))
    serving.pass_refresh()

    serving.client.get(path)

    assert serving.client.get("/").json()["version"] == "v2"


def test_requests_at_once_are_all_answered_while_versions_change(serving: Service) -> None:
    begin = threading.Barrier(4)

    def ask(_: int) -> set[tuple[int, str]]:
        begin.wait(TIMES_OUT)
        answers = [serving.client.predict(IRIS_SETOSA) for _ in range(10)]
        return {(answer.status_code, answer.headers["x-model-version"]) for answer in answers}

    serving.release(iris_package("tree"))
    serving.pass_refresh()
    with ThreadPoolExecutor(4) as threads:
        seen = set().union(*threads.map(ask, range(4)))

    assert (200, "v2") in seen
    assert seen <= {(200, "v1"), (200, "v2")}


class TestAnotherContract:
    @pytest.fixture
    def table(self, s3: "S3Client", ssm: "SSMClient", tmp_path: Path) -> Service:
        """A service of a table with one column, whose next version has two."""

        def package_of(text: str) -> Package:
            trusted = {"trusted": [name for name in ("size", "rooms") if name in text]}
            return pack(uncompiled(learned(tmp_path, text, target="kind", validate=trusted)))

        registry = Registry.open(
            RegistrySettings(bucket=BUCKET, stage=STAGE, model="table"), s3=s3, ssm=ssm, load=load_predictor
        )
        service = Service(registry, s3, ssm, "table")
        rows = "".join(f"{row},{'ab'[row // 15]}\n" for row in range(30))
        service.release(package_of(f"size,kind\n{rows}"))
        service.host.wait_until_loaded()
        wider = "".join(f"{row},{row % 4},{'xyz'[row // 10]}\n" for row in range(30))
        service.release(package_of(f"size,rooms,kind\n{wider}"))
        return service

    def test_the_contract_in_place_is_asked_for_until_the_switch(self, table: Service) -> None:
        assert table.client.predict({"size": 3}).status_code == 200
        assert table.client.predict({"size": 3, "rooms": 1}).status_code == 422

    def test_the_new_contract_is_asked_for_after_the_switch(self, table: Service) -> None:
        table.pass_refresh()

        assert table.client.predict({"size": 3, "rooms": 1}).status_code == 200
        assert table.client.predict({"size": 3}).status_code == 422

    def test_openapi_follows_without_a_restart(self, table: Service) -> None:
        before = table.client.get("/openapi.json").json()
        table.pass_refresh()

        after = table.client.get("/openapi.json").json()

        assert list(before["components"]["schemas"]["Instance"]["properties"]) == ["size", "kind"]
        assert list(after["components"]["schemas"]["Instance"]["properties"]) == ["size", "rooms", "kind"]
        assert (before["info"]["version"], after["info"]["version"]) == ("v1", "v2")

    def test_the_examples_of_the_new_openapi_are_answered(self, table: Service) -> None:
        table.pass_refresh()
        body = table.client.get("/openapi.json").json()["paths"]["/predict"]["post"]["requestBody"]

        for example in body["content"]["application/json"]["examples"].values():
            assert table.client.predict(example["value"]).status_code == 200

    def test_model_info_follows_without_a_restart(self, table: Service) -> None:
        table.pass_refresh()

        target = table.client.get("/model-info").json()["contract"]["target"]

        assert target["classes"] == ["x", "y", "z"]
