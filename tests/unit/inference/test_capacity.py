"""A request is only as large as its answer can be sent."""

import json
from typing import Any

import pytest
from pydantic_core import to_json

from inference import capacity
from inference.capacity import MAX_ANSWER_BYTES, MAX_BALANCER_BYTES, bytes_as_sent, check_answer, most_instances
from skylift.contract import Contract, Target
from skylift.feature import Feature
from skylift.http.errors import AnswerTooLarge
from tests.support.models import iris_package
from tests.support.templates import source

NUMBER = Feature(name="x", kind="number")
WIDEST = -2.2250738585072014e-308

BALANCER = {"aws.event": {"requestContext": {"elb": {"targetGroupArn": "arn"}}}}


def classes(*names: Any, features: int = 1) -> Contract:
    return Contract(
        task="classification",
        features=tuple(Feature(name=f"x{number}", kind="number") for number in range(features)),
        target=Target(name="y", classes=names),
    )


def answer(predictions: list[dict[str, object]]) -> bytes:
    return to_json({"model": "iris", "version": "v1", "predictions": predictions, "warnings": []})


def lambda_response(body: bytes, **headers: str) -> str:
    """What the runtime sends: the answer as a text in a document, letters other than ASCII's as escapes."""
    return json.dumps({"statusCode": 200, "headers": headers, "body": body.decode(), "isBase64Encoded": False})


class TestMostInstances:
    @pytest.mark.parametrize(
        "contract",
        [
            classes(*(f"class {'x' * 44}{number:03}" for number in range(100))),
            classes('"' * 2000, "\u00e9" * 2000, "\U0001f600" * 2000),
            classes(True, False),
            Contract(task="regression", features=(NUMBER,) * 1, target=Target(name="y")),
        ],
        ids=["many classes", "escapes", "booleans", "regression"],
    )
    def test_their_answer_can_be_sent_whatever_the_model_says(self, contract: Contract) -> None:
        count, keys = most_instances(contract), contract.target.keys
        each: list[dict[str, object]] = [
            {"label": label, "probabilities": dict.fromkeys(keys, WIDEST)} for label in contract.target.classes
        ] or [{"value": WIDEST}]
        widest = max(each, key=lambda prediction: bytes_as_sent(to_json(prediction)))

        sent = lambda_response(answer([dict(widest) for _ in range(count)]))

        assert len(sent) <= MAX_ANSWER_BYTES

    def test_a_model_of_few_classes_answers_far_more_than_the_default(self) -> None:
        assert most_instances(iris_package().describe(1).contract) > 30_000

    def test_the_template_offers_no_more_than_the_shipped_model_can_answer(self) -> None:
        offered = source()["Parameters"]["MaxInstances"]["MaxValue"]

        assert offered <= most_instances(iris_package().describe(1).contract)

    def test_a_wide_table_has_fewer_so_that_their_matrix_fits_the_memory(self) -> None:
        wide = classes("a", "b", features=2000)

        assert most_instances(wide) * 2000 <= capacity.MAX_CELLS

    def test_one_instance_is_always_read(self) -> None:
        assert most_instances(classes("a" * 7_000_000, "b")) == 1


class TestAnswer:
    PREDICTIONS: tuple[dict[str, object], ...] = tuple(
        {"label": f'"{number}"', "probabilities": {"a": 0.5}} for number in range(100)
    )

    def test_an_answer_that_fits_is_sent(self) -> None:
        check_answer(answer(list(self.PREDICTIONS)), list(self.PREDICTIONS), {})

    def test_one_that_does_not_is_refused_with_how_many_fit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        predictions = list(self.PREDICTIONS)
        monkeypatch.setattr(capacity, "MAX_BALANCER_BYTES", 1000)
        monkeypatch.setattr(capacity, "MAX_ANSWER_BYTES", 4000)

        with pytest.raises(AnswerTooLarge) as caught:
            check_answer(answer(predictions), predictions, {})

        fitting = int("".join(filter(str.isdigit, caught.value.hint)))
        check_answer(answer(predictions[:fitting]), predictions[:fitting], {})
        with pytest.raises(AnswerTooLarge):
            check_answer(answer(predictions[: fitting + 1]), predictions[: fitting + 1], {})

    def test_a_load_balancer_takes_less(self) -> None:
        predictions: list[dict[str, object]] = [{"value": 0.5}] * 80_000
        check_answer(answer(predictions), predictions, {})

        with pytest.raises(AnswerTooLarge):
            check_answer(answer(predictions), predictions, BALANCER)

    def test_where_no_instance_fits_no_number_is_given(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(capacity, "MAX_BALANCER_BYTES", 10)
        monkeypatch.setattr(capacity, "MAX_ANSWER_BYTES", 10)

        with pytest.raises(AnswerTooLarge, match="fewer classes"):
            check_answer(answer([{"value": 1}]), [{"value": 1}], {})

    @pytest.mark.parametrize("text", ["plain", 'a "quoted" \\ text', "gr\u00f6\u00dfe", "\u6570\u5b57", "\U0001f600"])
    def test_its_bytes_are_counted_as_the_runtime_writes_them(self, text: str) -> None:
        body = to_json({"label": text})

        assert bytes_as_sent(body) == len(lambda_response(body)) - len(lambda_response(b""))

    def test_the_limits_leave_room_for_headers(self) -> None:
        assert MAX_ANSWER_BYTES + 10_000 < 6_291_556
        assert MAX_BALANCER_BYTES + 10_000 < 10**6
