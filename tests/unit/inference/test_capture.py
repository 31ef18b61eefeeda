"""Raw rows stand in a line only in the share of requests, and of the features, that somebody asked for."""

import io
import json
from contextlib import redirect_stdout
from typing import Any

import numpy as np
import pytest

from inference.capture import MAX_BYTES, RowCapture, is_sampled
from inference.model import ServedModel
from inference.settings import InferenceSettings
from skylift.contract import Contract, Instance, Target
from skylift.feature import Feature
from skylift.http.record import Record, new_prediction_id
from skylift.observability import logger
from tests.support.fakes import CurrentStdout, served
from tests.support.wide import CALLER, WIDE

CONTRACT = Contract(
    task="regression",
    features=(
        Feature(name="age", kind="integer", required=False, min=0, max=99),
        Feature(name="size", kind="number", required=False, min=0, max=9),
        Feature(name="town", kind="category", required=False, categories=("Nord", "Süd"), unknown="missing"),
        Feature(name="smoker", kind="boolean", required=False),
    ),
    target=Target(name="y"),
)
ADA: Instance = {"age": 40, "size": 5.1, "town": "Süd", "smoker": True}
NOBODY: Instance = {"age": None, "town": "a text that only the caller knows"}
ALL = "age,size,town,smoker"


@pytest.fixture
def model() -> ServedModel:
    return served(CONTRACT, 1.0)


def capture(features: str, rate: float = 1) -> RowCapture | None:
    settings: dict[str, Any] = {"bucket": "b", "model": "m", "capture_rate": rate, "capture_features": features}
    return RowCapture.of(InferenceSettings(**settings))


def record_of(model: ServedModel, instances: list[Instance], features: str = ALL, rate: float = 1) -> Record:
    """The record of answered instances."""
    record = Record("request", prediction_id=new_prediction_id())
    made = capture(features, rate)
    assert made is not None
    made.add(record, model, model.answer(instances).rows)
    return record


class TestAllowList:
    @pytest.mark.parametrize(("features", "rate"), [("", 1), (" , ", 1), (ALL, 0)])
    def test_without_a_feature_or_a_share_there_is_no_capture(self, features: str, rate: float) -> None:
        assert capture(features, rate) is None

    def test_by_default_nothing_is_captured(self) -> None:
        assert RowCapture.of(InferenceSettings.model_validate({"bucket": "b", "model": "m"})) is None

    def test_only_the_features_that_are_named_are_captured(self, model: ServedModel) -> None:
        assert record_of(model, [ADA], "town, age").rows == [{"age": 40, "town": "Süd"}]

    def test_names_that_the_model_does_not_have_are_told_once_and_ignored(
        self, model: ServedModel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(logger.registered_handler, "stream", CurrentStdout())
        made = capture("age,income")
        assert made is not None
        other = served(CONTRACT.model_copy(update={"features": CONTRACT.features[:2]}), 1.0)
        with redirect_stdout(io.StringIO()) as out:
            for asked in (model, model, other):
                record = Record("request", prediction_id="id")
                made.add(record, asked, asked.answer([ADA]).rows)
                assert record.rows == [{"age": 40}]

        (line,) = map(json.loads, out.getvalue().splitlines())
        assert (line["message"], line["features"]) == ("not captured: the model has no such features", ["income"])

    def test_where_no_name_is_a_feature_nothing_is_captured(self, model: ServedModel) -> None:
        record = record_of(model, [ADA], "income")

        assert (record.rows, record.rows_left_out) == (None, 0)


class TestValues:
    def test_are_those_of_the_contract(self, model: ServedModel) -> None:
        assert record_of(model, [ADA]).rows == [ADA]

    def test_what_is_missing_is_null_and_so_is_a_text_that_training_never_saw(self, model: ServedModel) -> None:
        assert record_of(model, [ADA, NOBODY]).rows == [ADA, dict.fromkeys(ADA)]

    def test_too_many_for_a_line_are_left_out_and_counted(self, model: ServedModel) -> None:
        bytes_of_one = len('{"age":40,"size":5.1,"town":"Süd","smoker":true},'.encode())
        most = MAX_BYTES // bytes_of_one

        fits, too_long = (record_of(model, [ADA] * count) for count in (most, most + 1))

        assert (fits.rows, fits.rows_left_out) == ([ADA] * most, 0)
        assert (too_long.rows, too_long.rows_left_out) == (None, most + 1)


class TestShare:
    IDS = tuple(f"request {number}" for number in range(10_000))

    @pytest.mark.parametrize("rate", [0, 0.01, 0.3, 1])
    def test_is_the_rate(self, rate: float) -> None:
        share = np.mean([is_sampled(name, rate) for name in self.IDS])

        assert share == pytest.approx(rate, abs=4 * (rate * (1 - rate) / len(self.IDS)) ** 0.5)

    def test_is_decided_by_the_id_alone_so_that_all_parts_agree(self, model: ServedModel) -> None:
        rows = model.answer([ADA]).rows
        made, again = capture(ALL, 0.5), capture(ALL, 0.5)
        assert made is not None
        assert again is not None
        for name in self.IDS[:50]:
            records = [Record("one", prediction_id=name), Record("other", prediction_id=name)]
            made.add(records[0], model, rows)
            again.add(records[1], model, rows)
            assert [record.rows is not None for record in records] == [is_sampled(name, 0.5)] * 2

    def test_who_is_in_a_share_is_in_every_larger_one(self) -> None:
        for smaller, larger in [(0.01, 0.02), (0.02, 0.5)]:
            assert all(is_sampled(name, larger) for name in self.IDS if is_sampled(name, smaller))


def test_a_feature_of_several_columns_is_captured_as_it_was_sent() -> None:
    assert record_of(served(WIDE), [CALLER], "rooms,day").rows == [{"day": "2021-12-31", "rooms": 3}]
