"""Tensors of a request become the instances that `/predict` has, and answers become tensors."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from inference.v2 import mapping
from inference.v2.messages import InferenceRequest
from inference.v2.tensors import InputTensor
from skylift.conformal import Margins
from skylift.contract import ClassName, Contract, Target
from skylift.feature import Feature
from skylift.http.errors import InvalidInstance, InvalidTensors, TooManyInstances
from tests.support.contracts import anything, contracts, instances, modest
from tests.support.fakes import served

SIZE = Feature(name="size", column="Size in m2", kind="number", min=10, max=90)
ROOMS = Feature(name="rooms", kind="integer", required=False, min=1, max=5)
AREA = Feature(name="area", kind="category", categories=("north", "south"), unknown="missing")
LIFT = Feature(name="lift", kind="boolean", required=False)
SINCE = Feature(name="since", kind="datetime", form="%Y-%m-%d", origin=date(2000, 1, 1), min=0, max=1)
NOTE = Feature(name="note", kind="text", max_length=30, directions=3, min=0, max=20)
RENT = Contract(task="regression", features=(SIZE, ROOMS, AREA, LIFT), target=Target(name="rent"), ignored=("street",))
NUMBERS = Contract(task="regression", features=(SIZE, ROOMS, LIFT), target=Target(name="rent"))

COLUMNS = {
    "lift": InputTensor("lift", "BOOL", (2,), [True, None]),
    "area": InputTensor("area", "BYTES", (2, 1), ["north", "east"]),
    "rooms": InputTensor("rooms", "INT32", (2,), [2, 3]),
    "size": InputTensor("size", "FP32", (2, 1), [[42.5], [70]]),
}
FLATS = [
    {"size": 42.5, "rooms": 2, "area": "north", "lift": True},
    {"size": 70, "rooms": 3, "area": "east", "lift": None},
]


def request(*inputs: InputTensor, outputs: dict[str, bool] | None = None) -> InferenceRequest:
    return InferenceRequest(None, inputs, outputs, binary=False)


def refusal(contract: Contract, *inputs: InputTensor) -> list[tuple[str, str]]:
    """Places and words of what is wrong with inputs."""
    with pytest.raises(InvalidInstance) as caught:
        mapping.instances(request(*inputs), served(contract))
    return [(problem.field, problem.message) for problem in caught.value.problems]


class TestColumns:
    def test_each_is_a_feature_in_any_order(self) -> None:
        assert mapping.instances(request(*COLUMNS.values()), served(RENT)) == FLATS

    def test_those_that_may_be_missing_can_be_left_out(self) -> None:
        found = mapping.instances(request(COLUMNS["size"], COLUMNS["area"]), served(RENT))

        assert found == [{"size": 42.5, "area": "north"}, {"size": 70, "area": "east"}]

    def test_the_names_of_the_table_are_known_and_its_other_columns_are_not_read(self) -> None:
        size = InputTensor("Size in m2", "FP64", (1,), [42.5])
        street = InputTensor("street", "FP64", (1, 9), [])
        area = InputTensor("area", "BYTES", (1,), ["north"])

        (found,) = mapping.instances(request(street, size, area), served(RENT))

        assert found == {"street": None, "size": 42.5, "area": "north"}

    @pytest.mark.parametrize("datatype", ["UINT8", "INT64", "FP32"])
    def test_booleans_may_be_numbers(self, datatype: str) -> None:
        lift = InputTensor("lift", datatype, (3,), [0, 1, None])
        size = InputTensor("size", "FP64", (3,), [20, 20, 20])

        assert [each["lift"] for each in mapping.instances(request(size, lift), served(NUMBERS))] == [False, True, None]

    def test_dates_and_texts_are_texts(self) -> None:
        contract = Contract(task="regression", features=(SINCE, NOTE), target=Target(name="rent"))
        since = InputTensor("since", "BYTES", (1,), ["2020-02-29"])
        note = InputTensor("note", "BYTES", (1,), ["bright"])

        assert mapping.instances(request(note, since), served(contract)) == [{"since": "2020-02-29", "note": "bright"}]

    @modest
    @given(data=st.data())
    def test_any_contract_reads_what_predict_reads(self, data: st.DataObject) -> None:
        contract = data.draw(contracts())
        sent = data.draw(st.lists(instances(contract), min_size=1, max_size=4))
        names = [feature.name for feature in contract.features]
        inputs = [
            InputTensor(name, "BYTES", (len(sent),), [json.dumps(row.get(name)) for row in sent], "pd_json")
            for name in names
        ]
        model = served(contract)

        found = mapping.instances(request(*inputs), model)

        expected = model.schema.parse(json.dumps({"instances": sent}).encode())
        assert np.array_equal(model.encoder.encode(found), model.encoder.encode(expected), equal_nan=True)

    @modest
    @given(data=st.data())
    def test_any_contract_takes_what_predict_takes(self, data: st.DataObject) -> None:
        contract = data.draw(contracts())
        model = served(contract)
        sent = {feature.name: data.draw(anything()) for feature in contract.features}
        inputs = [InputTensor(name, "BYTES", (1,), [json.dumps(value)], "pd_json") for name, value in sent.items()]

        def taken(read: Callable[[], object]) -> bool:
            try:
                read()
            except (InvalidInstance, InvalidTensors):
                return False
            return True

        assert taken(lambda: mapping.instances(request(*inputs), model)) == taken(
            lambda: model.schema.parse(to_json({"instances": [sent]}, inf_nan_mode="null"))
        )


class TestMatrix:
    @pytest.mark.parametrize("name", ["input-0", "predict", ""])
    def test_one_tensor_of_any_name_has_the_features_in_order(self, name: str) -> None:
        rows = InputTensor(name, "FP64", (2, 3), [42.5, 2, 1, 70, None, None])

        assert mapping.instances(request(rows), served(NUMBERS)) == [
            {"size": 42.5, "rooms": 2, "lift": True},
            {"size": 70, "rooms": None, "lift": None},
        ]

    @pytest.mark.parametrize("shape", [(2,), (2, 1)])
    def test_of_one_feature_it_may_be_a_column(self, shape: tuple[int, ...]) -> None:
        contract = Contract(task="regression", features=(SIZE,), target=Target(name="rent"))

        assert mapping.instances(request(InputTensor("x", "FP64", shape, [1, 2])), served(contract)) == [
            {"size": 1},
            {"size": 2},
        ]

    def test_its_faults_are_named_with_row_and_column(self) -> None:
        rows = InputTensor("x", "FP64", (2, 3), [42.5, 2, 1, None, 2.5, 7])

        assert refusal(NUMBERS, rows) == [
            ("input 'x', row 1, column size", "null is not allowed: expected a finite number"),
            ("input 'x', row 1, column rooms", "expected an integer or null"),
            ("input 'x', row 1, column lift", "expected true or false or null"),
        ]

    def test_numbers_do_not_stand_for_categories(self) -> None:
        ((place, words),) = refusal(RENT, InputTensor("x", "FP64", (1, 4), [42.5, 2, 0, 1]))

        assert place == "input 'x', row 0, column area"
        assert words.startswith("expected a string such as 'north', 'south'")

    def test_another_width_is_refused_with_the_columns(self) -> None:
        with pytest.raises(InvalidTensors, match=r"expected shape \[1, 3\] with the columns size, rooms, lift, or one"):
            mapping.instances(request(InputTensor("x", "FP64", (1, 2), [1, 2])), served(NUMBERS))


class TestRefusals:
    def test_values_are_named_with_input_and_row(self) -> None:
        size = InputTensor("Size in m2", "FP64", (3,), [20, float("inf"), None])

        assert refusal(NUMBERS, size) == [
            ("input 'Size in m2', row 1", "expected a finite number"),
            ("input 'Size in m2', row 2", "null is not allowed: expected a finite number"),
        ]

    def test_inputs_that_are_missing_or_unknown_are_named_once(self) -> None:
        rooms = InputTensor("romms", "INT64", (500,), [1] * 500)
        lift = InputTensor("lift", "BOOL", (500,), [True] * 500)

        assert refusal(RENT, rooms, lift) == [
            ("input 'romms'", "unknown; did you mean 'rooms'?"),
            ("input 'size'", "missing: expected a finite number"),
            ("input 'area'", "missing: expected a string such as 'north', 'south'"),
        ]

    def test_an_unknown_name_like_no_other_is_told_all(self) -> None:
        assert refusal(NUMBERS, COLUMNS["size"], InputTensor("zzz", "FP64", (2,), [1, 2])) == [
            ("input 'zzz'", "unknown; known are size, rooms, lift")
        ]

    @pytest.mark.parametrize(
        ("inputs", "fault"),
        [
            ([COLUMNS["size"], COLUMNS["size"]], "input 'size': it is sent twice"),
            ([COLUMNS["size"], InputTensor("rooms", "INT64", (3,), [1, 2, 3])], "input 'rooms': it has 3 rows, and"),
            ([InputTensor("size", "FP64", (2, 2), [1, 2, 3, 4])], r"expected one column, of shape \[2\] or \[2, 1\]"),
            ([InputTensor("size", "FP64", (0,), [])], "input 'size': expected at least one row"),
        ],
    )
    def test_tensors_that_contradict_themselves(self, inputs: list[InputTensor], fault: str) -> None:
        with pytest.raises(InvalidTensors, match=fault):
            mapping.instances(request(*inputs), served(NUMBERS))

    def test_too_many_rows_are_not_read(self) -> None:
        with pytest.raises(TooManyInstances, match="1001 rows, more than 1000 in one request"):
            mapping.instances(request(InputTensor("size", "FP64", (1001,), [])), served(NUMBERS))

    def test_an_unknown_output_is_refused(self) -> None:
        asked = request(COLUMNS["size"], outputs={"predict": False, "predict_proba": False})

        with pytest.raises(InvalidTensors, match="output 'predict_proba' is not known: there are: predict"):
            mapping.instances(asked, served(NUMBERS))


def test_inputs_are_described_by_the_contract() -> None:
    contract = Contract(task="regression", features=(SIZE, ROOMS, AREA, LIFT, SINCE, NOTE), target=Target(name="rent"))

    described = mapping.inputs_of(contract)

    assert [(each["name"], each["datatype"], each["shape"]) for each in described] == [
        ("size", "FP64", [-1]),
        ("rooms", "INT64", [-1]),
        ("area", "BYTES", [-1]),
        ("lift", "BOOL", [-1]),
        ("since", "BYTES", [-1]),
        ("note", "BYTES", [-1]),
    ]
    assert described[1]["parameters"] == {"required": False}
    assert described[2]["parameters"] == {"required": True, "content_type": "str"}


class TestOutputs:
    def of(self, contract: Contract, scores: Any, wanted: list[str] | None = None) -> list[tuple[Any, ...]]:
        model = served(contract, scores)
        scored = model.answer([{"size": 20.0}, {"size": 30.0}])
        made = mapping.outputs(scored, model, wanted)
        assert [each.shape[1:] for each in made] == [
            tuple(each["shape"][1:]) for each in mapping.outputs_of(contract) if each["name"] in {o.name for o in made}
        ]
        return [(each.name, each.datatype, each.shape, np.asarray(each.values).tolist()) for each in made]

    @pytest.mark.parametrize(
        ("classes", "datatype", "label"),
        [
            (("a", "b"), "BYTES", "b"),
            ((3, 7), "INT64", 7),
            ((False, True), "BOOL", True),
            (("a", 7), "BYTES", "7"),
        ],
    )
    def test_of_classes(self, classes: tuple[ClassName, ...], datatype: str, label: ClassName) -> None:
        contract = Contract(task="classification", features=(SIZE,), target=Target(name="kind", classes=classes))

        assert self.of(contract, [0.25, 0.75]) == [
            ("predict", datatype, (2,), [label, label]),
            ("predict_proba", "FP64", (2, 2), [[0.25, 0.75]] * 2),
        ]
        assert all(each["parameters"]["classes"] == [*classes] for each in mapping.outputs_of(contract))

    def test_a_label_that_is_not_defined_is_missing(self) -> None:
        target = Target(name="kind", classes=("a", "b"))
        contract = Contract(task="classification", features=(SIZE,), target=target)

        assert self.of(contract, [np.nan, np.nan], ["predict"]) == [("predict", "BYTES", (2,), [None, None])]

    def test_of_a_value(self) -> None:
        contract = Contract(task="regression", features=(SIZE,), target=Target(name="rent", unit="EUR"))

        assert self.of(contract, 152.5) == [("predict", "FP64", (2,), [152.5, 152.5])]
        assert mapping.outputs_of(contract)[0]["parameters"] == {"unit": "EUR"}

    def test_of_a_value_with_an_interval(self) -> None:
        target = Target(name="rent", margins=Margins(level=0.9, low=(-2.0,), high=(3.0,)))
        contract = Contract(task="regression", features=(SIZE,), target=target)

        assert self.of(contract, 152.5, ["high", "predict", "low"]) == [
            ("high", "FP64", (2,), [155.5, 155.5]),
            ("predict", "FP64", (2,), [152.5, 152.5]),
            ("low", "FP64", (2,), [150.5, 150.5]),
        ]
        assert mapping.outputs_of(contract)[1]["parameters"] == {"level": 0.9}


def test_a_request_may_have_each_value_in_an_array() -> None:
    model = served(RENT)

    assert mapping.most_brackets(model) >= 5 * 1000 + 3 * 5 + 3
