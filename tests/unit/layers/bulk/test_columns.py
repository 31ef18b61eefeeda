"""Columns are encoded by the rules of a request."""

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.schema import RequestSchema
from skylift.bulk.columns import ColumnEncoder, Encoded
from skylift.contract import Contract, Target
from skylift.feature import Feature
from skylift.http.errors import RequestError
from skylift.numerals import Numerals
from tests.support.contracts import anything, contracts, instances, modest, row_encoder

SPELLINGS = ["", " ", "?", "na", "NaN", "12", "-3.50", "+7", " 5", "1e3", "00e5", "007", ".5", "5.", "inf", "-999999"]
SPELLINGS += ["1,5", "61%", "TRUE", "0", "1.0", "none of it", "31.12.2013", "2013-12-31", "2013-12-31T10:00:00", "ä"]


def contract_of(*features: Feature) -> Contract:
    return Contract(task="regression", features=features, target=Target(name="y"))


def as_table(contract: Contract) -> Contract:
    """The contract of a table whose numbers and booleans are all texts."""
    plain = [
        feature.model_copy(update={"numerals": feature.numerals or Numerals()})
        if feature.kind in {"number", "integer", "boolean"}
        else feature
        for feature in contract.features
    ]
    return contract.model_copy(update={"features": tuple(plain)})


def by_request(contract: Contract, sent: list[dict[str, Any]]) -> list[list[float] | None]:
    """The encoded rows of instances; None for one that a request refuses."""
    schema, encoder = RequestSchema(contract, 1), row_encoder(contract)
    rows: list[list[float] | None] = []
    for instance in sent:
        try:
            (valid,) = schema.parse(json.dumps({"instances": [instance]}).encode())
        except RequestError:
            rows.append(None)
        else:
            rows.append(encoder.encode([valid])[0].tolist())
    return rows


def told(encoded: Encoded) -> list[list[float] | None]:
    return [None if place in encoded.refused else row for place, row in enumerate(encoded.rows.tolist())]


def column_of(feature: Feature, array: pa.Array) -> list[list[float] | None]:
    encoder = ColumnEncoder(row_encoder(contract_of(feature)), cells=True)
    return told(encoder.encode({feature.name: array}, len(array)))


@modest
@given(st.data())
def test_values_of_json_are_encoded_and_refused_as_in_a_request(data: st.DataObject) -> None:
    contract = data.draw(contracts())
    sent: list[dict[str, Any]] = data.draw(st.lists(instances(contract), min_size=1, max_size=4))
    for instance in sent:
        for feature in contract.features:
            if data.draw(st.integers(0, 4)) == 0:
                instance[feature.name] = data.draw(anything())
    columns = {feature.name: [row.get(feature.name) for row in sent] for feature in contract.features}

    encoded = ColumnEncoder(row_encoder(contract), cells=False).encode(columns, len(sent))

    assert repr(told(encoded)) == repr(by_request(contract, sent))


@modest
@given(st.data())
def test_cells_are_encoded_and_refused_as_the_texts_of_a_table_in_a_request(data: st.DataObject) -> None:
    contract = data.draw(contracts())
    known = [text for feature in contract.features for text in feature.categories]
    cells = st.one_of(st.sampled_from([*SPELLINGS, *known]), st.floats().map(repr), st.integers().map(str))
    columns = {
        feature.name: data.draw(st.lists(cells, min_size=5, max_size=5), label=feature.name)
        for feature in contract.features
    }
    sent = [{name: texts[place] for name, texts in columns.items()} for place in range(5)]

    encoded = ColumnEncoder(row_encoder(contract), cells=True).encode(
        {name: pa.array(texts, pa.string()) for name, texts in columns.items()}, 5
    )

    assert repr(told(encoded)) == repr(by_request(as_table(contract), sent))


@pytest.mark.parametrize(
    "array",
    [
        pa.array([1, None, 3], pa.int8()),
        pa.array([1, None, 3], pa.uint64()),
        pa.array([1.0, float("nan"), 3.0]),
        pa.array([1.0, None, 3.0], pa.float32()),
        pa.array([Decimal(1), None, Decimal(3)]),
        pa.array(["1", "", "3"]),
        pa.array(["1", "n/a", "3.0"]),
        pa.array(["1", None, "3"], pa.large_string()),
        pa.array(["1", None, "3"]).dictionary_encode(),
    ],
    ids=lambda array: str(array.type),
)
def test_a_number_may_have_any_type(array: pa.Array) -> None:
    feature = Feature(name="n", kind="integer", required=False)

    assert repr(column_of(feature, array)) == "[[1.0], [nan], [3.0]]"


def test_a_small_float_is_the_shortest_number_that_it_stands_for() -> None:
    assert column_of(Feature(name="x", kind="number"), pa.array([0.1, 2.7], pa.float32())) == [[0.1], [2.7]]


def test_numbers_name_categories_as_the_table_writes_them() -> None:
    whole = Feature(name="c", kind="category", categories=("1", "2"), unknown="refuse")
    fractions = Feature(name="c", kind="category", categories=("0.5", "true"), unknown="refuse")

    assert column_of(whole, pa.array([2, 1, 3])) == [[1.0], [0.0], None]
    assert column_of(whole, pa.array([2.0, 1.0])) == [[1.0], [0.0]], "floats, because another row has no value"
    assert column_of(fractions, pa.array([0.5], pa.float32())) == [[0.0]]
    assert column_of(fractions, pa.array([True])) == [[1.0]]


def test_texts_that_training_never_saw_are_counted() -> None:
    city = Feature(name="c", kind="category", categories=("Oslo", "1"), unknown="missing", required=False)
    encoder = row_encoder(contract_of(city, Feature(name="n", kind="number")))
    cells: list[pa.Array] = [
        pa.array(["Oslo", " Oslo", "Rome", "", None, "Rome"]),
        pa.array(["Oslo", "Oslo ", "Rome", " ", None, "Bari"]).dictionary_encode(),
        pa.array([1.0, 1.0, 2.5, float("nan"), None, 7.0]),
    ]

    for column in cells:
        columns = {"c": column, "n": pa.array(["1"] * 5 + ["soon"])}
        assert ColumnEncoder(encoder, cells=True).encode(columns, 6).unknown == {"c": 1}, "the last row is refused"
    values = {"c": ["Oslo", " Oslo", "Rome", " ", None, "Rome"], "n": [1, 1, 1, 1, 1, "soon"]}
    assert ColumnEncoder(encoder, cells=False).encode(values, 6).unknown == {"c": 1}


def test_nan_is_a_missing_value_of_a_category_too() -> None:
    city = Feature(name="c", kind="category", categories=("1", "2"), unknown="missing")

    assert column_of(city, pa.array([1.0, float("nan")])) == [[0.0], None]


@pytest.mark.parametrize("kind", [{"kind": "category", "categories": ("a",), "unknown": "missing"}, {"kind": "text"}])
def test_bytes_are_refused(kind: dict[str, Any]) -> None:
    sizes = {"max_length": 9, "directions": 1} if kind["kind"] == "text" else {}

    for column in (pa.array([b"a", b"\xff"]), pa.array([b"a", b"b"], pa.binary(1)).dictionary_encode()):
        assert column_of(Feature(name="c", **kind, **sizes), column) == [None, None]


def test_booleans_are_numbers_or_words_as_well() -> None:
    feature = Feature(name="b", kind="boolean", required=False)

    for array in (pa.array([True, False, None]), pa.array([1, 0, None]), pa.array(["TRUE", "0", ""])):
        assert repr(column_of(feature, array)) == "[[1.0], [0.0], [nan]]"
    assert column_of(feature, pa.array(["maybe"])) == [None]


def test_dates_have_types_of_their_own() -> None:
    day = Feature(name="d", kind="datetime", form="%d.%m.%Y", origin=date(2020, 1, 1))
    moment = Feature(name="d", kind="datetime", form="%Y-%m-%dT%H:%M:%S%z", origin=date(2020, 1, 1))

    assert column_of(day, pa.array([date(2020, 1, 3)])) == [[2.0]]
    assert column_of(day, pa.array([date(2020, 1, 3)]).cast(pa.timestamp("s"))) == [[2.0]]
    assert column_of(day, pa.array(["2020-01-03 04:00"]).cast(pa.timestamp("ns"))) == [None], "it has a time"
    assert column_of(moment, pa.array([datetime(2020, 1, 3, 12, tzinfo=UTC)])) == [[2.5]]


def test_durations_and_times_of_day_are_hours_where_the_table_has_clocks() -> None:
    clock = Feature(name="n", kind="number", numerals=Numerals(clock=True), required=False)
    spans = [timedelta(minutes=90), None, timedelta(days=1, hours=2)]

    assert repr(column_of(clock, pa.array(spans))) == "[[1.5], [nan], [26.0]]"
    assert column_of(clock, pa.array(spans[::2], pa.duration("ns"))) == [[1.5], [26.0]]
    assert column_of(clock, pa.array([time(14, 30)])) == [[14.5]]
    assert column_of(clock, pa.array(["14:30", "2h 30m", "soon"])) == [[14.5], [2.5], None]
    assert column_of(Feature(name="n", kind="number"), pa.array(spans[:1])) == [None], "nobody knows its unit"


def test_a_number_that_stands_for_a_missing_value_is_one() -> None:
    feature = Feature(name="x", kind="number", required=False, missing=("-999",))

    assert repr(column_of(feature, pa.array([-999, 1]))) == "[[nan], [1.0]]"
    assert repr(column_of(feature, pa.array(["-999.0", "1"]))) == "[[nan], [1.0]]"


def test_a_refused_row_says_all_that_is_wrong_with_it() -> None:
    contract = contract_of(
        Feature(name="age", kind="integer"),
        Feature(name="city", kind="category", categories=("Oslo", "Rome"), unknown="refuse"),
        Feature(name="size", kind="number"),
    )
    encoder = ColumnEncoder(row_encoder(contract), cells=False)

    encoded = encoder.encode({"age": [1, 2.5], "city": ["Oslo", "Roma"]}, 2)

    assert [fault.field for fault in encoded.refused[0]] == ["size"]
    assert [(fault.field, fault.reason) for fault in encoded.refused[1]] == [
        ("age", "wrong_type"),
        ("city", "unknown_category"),
        ("size", "missing_field"),
    ]
    assert encoded.refused[1][0].message == "expected an integer"


def test_a_column_that_may_be_missing_can_be_absent() -> None:
    contract = contract_of(Feature(name="a", kind="number"), Feature(name="b", kind="number", required=False))

    encoded = ColumnEncoder(row_encoder(contract), cells=True).encode({"a": pa.array([1.0, 2.0])}, 2)

    assert np.isnan(encoded.rows[:, 1]).all()
    assert encoded.refused == {}
