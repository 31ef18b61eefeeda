"""The request schema: which bodies it reads, and what it says about others."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.schema import RequestSchema
from skylift.cells import clean_text
from skylift.contract import Contract, Target
from skylift.encoding import leads
from skylift.feature import Feature
from skylift.http.errors import FieldProblem, InvalidInstance, NotJson, RequestError, TooManyInstances
from skylift.numerals import Numerals
from skylift.values import fault
from tests.support.contracts import anything, broken_bodies, contracts, features, instances, modest, row_encoder

SIZE = Feature(name="size", kind="number", min=10, max=90, unit="m2")
ROOMS = Feature(name="rooms", kind="integer", min=1, max=5)
AREA = Feature(name="area", kind="category", categories=("north", "south"))
LIFT = Feature(name="lift", kind="boolean", required=False)
FLAT = {"size": 42.5, "rooms": 2, "area": "south", "lift": True}


def contract_of(*features: Feature) -> Contract:
    return Contract(task="regression", features=features, target=Target(name="rent"))


def schema_of(*features: Feature, max_instances: int = 3) -> RequestSchema:
    return RequestSchema(contract_of(*features), max_instances)


@pytest.fixture
def schema() -> RequestSchema:
    return schema_of(SIZE, ROOMS, AREA, LIFT)


def refused(schema: RequestSchema, document: object) -> FieldProblem:
    """The one problem of a body."""
    with pytest.raises(InvalidInstance) as caught:
        schema.parse(json.dumps(document).encode())
    (problem,) = caught.value.problems
    return problem


class TestForms:
    def test_instances_are_read_in_their_order(self, schema: RequestSchema) -> None:
        second = FLAT | {"size": 50.0}

        assert schema.parse(json.dumps({"instances": [FLAT, second]}).encode()) == [FLAT, second]

    def test_a_bare_object_is_one_instance(self, schema: RequestSchema) -> None:
        assert schema.parse(json.dumps(FLAT).encode()) == [FLAT]

    def test_features_are_one_instance_by_position(self, schema: RequestSchema) -> None:
        assert schema.parse(b'{"features": [42.5, 2, "south", true]}') == [FLAT]

    def test_white_space_around_the_envelope_does_not_matter(self, schema: RequestSchema) -> None:
        assert schema.parse(b' \n{ "features"\t: [42.5, 2, "south", true] } ') == [FLAT]

    def test_an_envelope_written_with_escapes_is_one_nevertheless(self, schema: RequestSchema) -> None:
        assert schema.parse(rb'{"\u0066eatures": [42.5, 2, "south", true]}') == [FLAT]

    @pytest.mark.parametrize("name", ["instances", "features"])
    def test_a_column_may_be_called_as_an_envelope(self, name: str) -> None:
        schema = schema_of(Feature(name=name, kind="number"))

        assert schema.parse(json.dumps({name: 3.5}).encode()) == [{name: 3.5}]

    @pytest.mark.parametrize("name", ["instances", "features"])
    def test_a_column_called_as_an_envelope_is_also_read_inside_one(self, name: str) -> None:
        schema = schema_of(Feature(name=name, kind="number"))

        assert schema.parse(json.dumps({"instances": [{name: 3.5}]}).encode()) == [{name: 3.5}]

    @pytest.mark.parametrize("name", ["instances", "features"])
    def test_a_wrong_value_of_a_column_called_as_an_envelope_is_named_as_such(self, name: str) -> None:
        schema = schema_of(Feature(name=name, kind="number"))

        problem = refused(schema, {name: "much"})

        assert problem == FieldProblem(name, "wrong_type", "expected a finite number")

    def test_the_last_of_repeated_keys_counts(self, schema: RequestSchema) -> None:
        body = b'{"instances": 5, "instances": [%s]}' % json.dumps(FLAT).encode()

        assert schema.parse(body) == [FLAT]

    @pytest.mark.parametrize("form", ['{"instances": [%s]}', "%s"])
    def test_the_last_of_repeated_fields_counts(self, form: str) -> None:
        schema = schema_of(SIZE)

        assert schema.parse((form % '{"size": "x", "size": 1}').encode()) == [{"size": 1}]
        with pytest.raises(InvalidInstance):
            schema.parse((form % '{"size": 1, "size": "x"}').encode())

    def test_a_repeated_envelope_is_checked_as_its_last_value(self, schema: RequestSchema) -> None:
        body = b'{"instances": [%s], "instances": 5}' % json.dumps(FLAT).encode()

        with pytest.raises(InvalidInstance, match="1 field breaks"):
            schema.parse(body)

    def test_both_envelopes_at_once_are_refused(self, schema: RequestSchema) -> None:
        problem = refused(schema, {"instances": [FLAT], "features": [1, 2, "south", True]})

        assert (problem.field, problem.reason) == ("features", "unknown_field")
        assert "did you mean 'features'" not in problem.message

    def test_a_key_beside_the_envelope_is_refused(self, schema: RequestSchema) -> None:
        assert refused(schema, {"version": 1, "instances": [FLAT]}).field == "version"


class TestValues:
    @pytest.mark.parametrize("value", [1, 1.5, -0.0, 1e38, -1e38, 5e-324])
    def test_a_number_is_any_finite_number(self, value: float) -> None:
        assert schema_of(SIZE).parse(json.dumps({"size": value}).encode()) == [{"size": value}]

    @pytest.mark.parametrize("value", [5, 5.0, -3, 1e6])
    def test_an_integer_may_be_written_with_a_point(self, value: float) -> None:
        assert schema_of(ROOMS).parse(json.dumps({"rooms": value}).encode()) == [{"rooms": value}]

    def test_an_optional_field_may_be_left_out(self, schema: RequestSchema) -> None:
        without = {name: value for name, value in FLAT.items() if name != "lift"}

        assert schema.parse(json.dumps(without).encode()) == [without]

    def test_an_optional_field_may_be_null(self, schema: RequestSchema) -> None:
        assert schema.parse(json.dumps(FLAT | {"lift": None}).encode()) == [FLAT | {"lift": None}]

    @pytest.mark.parametrize(
        ("field", "value", "reason", "message"),
        [
            ("size", "42", "wrong_type", "expected a finite number (m2): send 42"),
            ("size", "large", "wrong_type", "expected a finite number (m2)"),
            ("size", "?", "wrong_type", "'?' counts as missing, which is not allowed: expected a finite number (m2)"),
            ("size", True, "wrong_type", "expected a finite number (m2)"),
            ("size", None, "wrong_type", "null is not allowed: expected a finite number (m2)"),
            ("size", [1], "wrong_type", "expected a finite number (m2)"),
            ("size", float("nan"), "not_finite", "expected a finite number (m2)"),
            ("size", float("inf"), "not_finite", "expected a finite number (m2)"),
            ("size", -float("inf"), "not_finite", "expected a finite number (m2)"),
            ("size", 10**399, "not_finite", "expected a finite number (m2)"),
            ("size", 1e39, "too_large", "its size is beyond 3.4e+38: expected a finite number (m2)"),
            ("size", -1e300, "too_large", "its size is beyond 3.4e+38: expected a finite number (m2)"),
            ("rooms", 2.5, "wrong_type", "expected an integer"),
            ("rooms", "2.5", "wrong_type", "expected an integer"),
            ("rooms", False, "wrong_type", "expected an integer"),
            ("rooms", 10**50, "too_large", "its size is beyond 3.4e+38: expected an integer"),
            ("area", "west", "unknown_category", "expected one of 'north', 'south'"),
            ("area", "North", "unknown_category", "expected one of 'north', 'south'"),
            ("area", 0, "wrong_type", "expected one of 'north', 'south'"),
            ("area", None, "wrong_type", "null is not allowed: expected one of 'north', 'south'"),
            ("lift", "TRUE", "wrong_type", "expected true or false or null: send true"),
            ("lift", 1, "wrong_type", "expected true or false or null: send true"),
            ("lift", 2, "wrong_type", "expected true or false or null"),
        ],
    )
    def test_a_value_of_another_kind_is_refused_with_what_was_expected(
        self, schema: RequestSchema, field: str, value: object, reason: str, message: str
    ) -> None:
        assert refused(schema, FLAT | {field: value}) == FieldProblem(field, reason, message)

    @pytest.mark.parametrize("unknown", [None, "missing"])
    @pytest.mark.parametrize(
        ("value", "text"), [(2, '"2"'), (2.0, '"2"'), (1.5, '"1.5"'), (True, '"True"'), (3, None), ([2], None)]
    )
    def test_a_level_that_is_not_sent_as_text_is_a_wrong_type_that_says_what_to_send(
        self, value: object, text: str | None, unknown: Any
    ) -> None:
        feature = Feature(name="class", kind="category", categories=("1.5", "2", "True"), unknown=unknown)

        problem = refused(schema_of(feature), {"class": value})

        message = f"expected a string: send {text}" if text else f"expected {feature.expectation}"
        assert problem == FieldProblem("class", "wrong_type", message)

    def test_a_literal_beyond_the_largest_double_is_not_finite(self) -> None:
        with pytest.raises(InvalidInstance) as caught:
            schema_of(SIZE).parse(b'{"size": 1e400}')

        assert caught.value.problems[0].reason == "not_finite"

    def test_an_integer_too_long_to_read_is_refused(self) -> None:
        with pytest.raises(RequestError):
            schema_of(SIZE).parse(b'{"size": %s}' % (b"9" * 5000))


class TestCleaning:
    """Names and texts are read as training reads those of the table."""

    @pytest.mark.parametrize(
        "document",
        [
            {"size": 42.5, "rooms": 2, " area": "south ", "lift": True},
            {"instances": [{"size ": 42.5, "rooms": 2, "area": "\tsouth", "lift": True}]},
            {"features": [42.5, 2, " south\n", True]},
        ],
        ids=["one", "instances", "features"],
    )
    def test_blanks_around_names_and_texts_do_not_matter(self, schema: RequestSchema, document: object) -> None:
        assert schema.parse(json.dumps(document).encode()) == [FLAT]

    def test_a_blank_text_is_missing_where_a_value_may_be(self) -> None:
        optional = AREA.model_copy(update={"required": False})

        assert schema_of(optional).parse(b'{"area": " "}') == [{"area": None}]

    def test_a_blank_text_is_refused_where_a_value_is_required(self, schema: RequestSchema) -> None:
        assert refused(schema, FLAT | {"area": " "}) == FieldProblem(
            "area", "wrong_type", "a blank is not allowed: expected one of 'north', 'south'"
        )

    @pytest.mark.parametrize("text", ["", " ", "NA", "n/a", "?", "-"])
    def test_a_word_for_missing_is_missing_where_a_number_or_a_boolean_may_be(self, text: str) -> None:
        optional = (SIZE.model_copy(update={"required": False}), LIFT)

        (instance,) = schema_of(*optional).parse(json.dumps({"size": text, "lift": text}).encode())

        assert instance == {"size": None, "lift": None}

    @pytest.mark.parametrize("missing", [None, ("n/a",)])
    def test_a_text_of_more_blanks_than_characters_are_allowed_is_too_long(self, missing: Any) -> None:
        text = Feature(name="note", kind="text", required=False, missing=missing, max_length=3, directions=1)

        assert refused(schema_of(text), {"note": " " * 4}).reason == "too_long"

    def test_what_the_table_calls_missing_is_missing_or_refused_as_such(self) -> None:
        missing = {"missing": ("k.A.", "-999"), "required": False}
        schema = schema_of(*(feature.model_copy(update=missing) for feature in (SIZE, TestUnknownCategories.OPEN)))
        strict = schema_of(SIZE.model_copy(update={"missing": ("-999",)}))

        assert schema.parse(b'{"size": -999, "area": "k.A."}') == [{"size": None, "area": None}]
        assert schema.parse(b'{"size": "k.A.", "area": "-999"}') == [{"size": None, "area": None}]
        assert refused(strict, {"size": -999}).message == (
            "-999 counts as missing, which is not allowed: expected a finite number (m2)"
        )

    def test_numbers_and_booleans_are_read_as_texts_where_the_table_has_texts_among_them(self) -> None:
        texts = {"numerals": Numerals(",", ".", "€")}
        features = (feature.model_copy(update=texts) for feature in (SIZE, ROOMS, LIFT))

        (instance,) = schema_of(*features).parse(
            json.dumps({"size": "€ 1.234,5 ", "rooms": "3", "lift": "False"}).encode()
        )

        assert instance == {"size": 1234.5, "rooms": 3.0, "lift": False}

    def test_a_number_and_a_boolean_written_as_text_are_not_cleaned(self, schema: RequestSchema) -> None:
        with pytest.raises(InvalidInstance) as caught:
            schema.parse(json.dumps(FLAT | {"size": " 42", "lift": "true "}).encode())

        assert [problem.reason for problem in caught.value.problems] == ["wrong_type", "wrong_type"]

    @pytest.mark.parametrize("name", ["SizeInM2", "size"])
    def test_a_problem_is_named_by_the_name_of_the_column_where_that_was_sent(self, name: str) -> None:
        schema = schema_of(SIZE.model_copy(update={"column": "SizeInM2"}), ROOMS)

        problem = refused(schema, {"instances": [{name: "x", "rooms": 2}]})

        assert (problem.field, problem.pointer) == (f"instances[0].{name}", f"/instances/0/{name}")

    def test_a_text_is_refused_beside_a_feature_that_takes_texts(self) -> None:
        texts = {"missing": ("k.A.",), "numerals": Numerals()}
        schema = schema_of(
            SIZE.model_copy(update=texts), Feature(name="width", kind="number", missing=texts["missing"])
        )

        assert refused(schema, {"size": "1", "width": "2"}).field == "width"

    def test_a_problem_is_named_by_the_name_of_the_contract(self, schema: RequestSchema) -> None:
        without = {name: value for name, value in FLAT.items() if name != "size"}

        assert refused(schema, without | {"size ": "x"}).field == "size"

    @pytest.mark.parametrize("name", ["area ", "Area (old name)", " Area (old name)"])
    def test_a_field_that_is_there_twice_is_refused(self, name: str) -> None:
        schema = schema_of(AREA.model_copy(update={"column": "Area (old name)"}))

        problem = refused(schema, {"area": "north", name: "north"})

        assert problem == FieldProblem(name, "repeated_field", "'area' is sent under two names: send one")

    @pytest.mark.parametrize("name", ["SizeInM2", " SizeInM2 ", "size"])
    def test_a_feature_may_have_the_name_of_its_column(self, name: str) -> None:
        schema = schema_of(SIZE.model_copy(update={"column": "SizeInM2"}), ROOMS)

        assert schema.parse(json.dumps({name: 42.5, "rooms": 2}).encode()) == [{"size": 42.5, "rooms": 2}]
        assert schema.parse(json.dumps({"instances": [{"rooms": 2, name: 42.5}]}).encode()) == [
            {"size": 42.5, "rooms": 2}
        ]

    def test_a_level_with_blanks_of_an_older_version_is_still_known(self) -> None:
        older = Feature(name="area", kind="category", categories=(" north", "south"))

        assert schema_of(older, ROOMS).parse(b'{"area": " north", "rooms ": 2}') == [{"area": " north", "rooms": 2}]


class TestUnknownCategories:
    """A category of today's training takes any text; one of an older version only those it lists."""

    OPEN = AREA.model_copy(update={"unknown": "missing"})

    def test_a_text_that_training_never_saw_is_read(self) -> None:
        assert schema_of(self.OPEN).parse(b'{"area": "west"}') == [{"area": "west"}]

    @pytest.mark.parametrize("unknown", [None, "refuse"])
    def test_it_is_refused_where_the_contract_says_so_or_nothing(self, unknown: Any) -> None:
        strict = AREA.model_copy(update={"unknown": unknown})

        assert refused(schema_of(strict), {"area": "west"}).reason == "unknown_category"

    @pytest.mark.parametrize(
        ("value", "remark"),
        [
            (" ", "a blank is not allowed: "),
            ("", "a blank is not allowed: "),
            ("\x1c", "a blank is not allowed: "),
            (None, "null is not allowed: "),
            ([], ""),
        ],
    )
    def test_what_is_not_a_text_or_blank_is_refused(self, value: object, remark: str) -> None:
        message = f"{remark}expected a string such as 'north', 'south'"

        assert refused(schema_of(self.OPEN), {"area": value}) == FieldProblem("area", "wrong_type", message)

    def test_a_blank_is_read_where_a_value_may_be_missing(self) -> None:
        assert schema_of(self.OPEN.model_copy(update={"required": False})).parse(b'{"area": " "}') == [{"area": " "}]


class TestFields:
    def test_a_missing_field_is_named_with_what_was_expected(self, schema: RequestSchema) -> None:
        without = {name: value for name, value in FLAT.items() if name != "area"}

        assert refused(schema, without) == FieldProblem(
            "area", "missing_field", "missing: expected one of 'north', 'south'"
        )

    def test_an_unknown_field_is_answered_with_the_nearest_known_name(self, schema: RequestSchema) -> None:
        assert refused(schema, FLAT | {"rooom": 1}) == FieldProblem(
            "rooom", "unknown_field", "unknown field; did you mean 'rooms'?"
        )

    def test_an_unknown_field_near_nothing_is_answered_with_all_known_names(self, schema: RequestSchema) -> None:
        assert refused(schema, FLAT | {"xyz": 1}).message == "unknown field; known are size, rooms, area, lift"

    def test_of_a_long_unknown_name_the_beginning_is_sent_back_and_a_pointer_to_all_of_it(
        self, schema: RequestSchema
    ) -> None:
        problem = refused(schema, FLAT | {"x" * 900: 1})

        assert (problem.field, problem.pointer) == ("x" * 200, "/" + "x" * 900)

    @pytest.mark.parametrize("letter", ["x", "é", "~", "\x01"])
    def test_of_a_very_long_one_the_pointer_is_that_of_the_object_that_has_it(
        self, schema: RequestSchema, letter: str
    ) -> None:
        problem = refused(schema, {"instances": [FLAT, FLAT | {letter * 100_000: 1}]})

        assert (problem.field, problem.pointer) == ("instances[1]." + letter * 200, "/instances/1")

    def test_names_of_the_contract_are_never_cut(self) -> None:
        names = ["x" * 2000 + end for end in "ab"]
        schema = schema_of(*(Feature(name=name, kind="number") for name in names))

        with pytest.raises(InvalidInstance) as caught:
            schema.parse(json.dumps(dict.fromkeys(names, "text")).encode())

        assert [problem.field for problem in caught.value.problems] == names

    @pytest.mark.parametrize(
        ("document", "pointer"),
        [
            ({"instances": [FLAT, FLAT | {"size": "x"}]}, "/instances/1/size"),
            ({"features": [42.5, "two", "south", True]}, "/features/1"),
            (FLAT | {"a/b~c": 1}, "/a~1b~0c"),
            (5, ""),
        ],
        ids=["instance", "position", "escaped", "body"],
    )
    def test_a_place_is_also_a_json_pointer(self, schema: RequestSchema, document: object, pointer: str) -> None:
        assert refused(schema, document).pointer == pointer

    def test_a_place_names_the_instance(self, schema: RequestSchema) -> None:
        assert refused(schema, {"instances": [FLAT, FLAT | {"size": "x"}]}).field == "instances[1].size"

    def test_a_place_names_the_position(self, schema: RequestSchema) -> None:
        assert refused(schema, {"features": [42.5, "two", "south", True]}).field == "features[1]"

    def test_too_many_positions_are_answered_with_the_order(self, schema: RequestSchema) -> None:
        assert refused(schema, {"features": [42.5, 2, "south", True, 5]}) == FieldProblem(
            "features", "wrong_length", "expected 4 values in this order: size, rooms, area, lift"
        )

    def test_every_missing_position_is_named(self, schema: RequestSchema) -> None:
        with pytest.raises(InvalidInstance) as caught:
            schema.parse(b'{"features": [42.5, 2]}')

        assert [problem.field for problem in caught.value.problems] == ["features[2]", "features[3]"]

    def test_all_problems_of_a_body_are_told_at_once(self, schema: RequestSchema) -> None:
        with pytest.raises(InvalidInstance) as caught:
            schema.parse(json.dumps({"size": "x", "rooms": 2.5, "colour": 1}).encode())

        assert {problem.field for problem in caught.value.problems} == {"size", "rooms", "area", "colour"}

    def test_more_than_twenty_problems_are_counted_but_not_listed(self, schema: RequestSchema) -> None:
        with pytest.raises(InvalidInstance) as caught:
            schema.parse(json.dumps(FLAT | {f"unknown {number}": 1 for number in range(30)}).encode())

        assert (len(caught.value.problems), caught.value.total) == (20, 30)

    def test_of_more_than_fifty_categories_a_few_are_listed_and_the_nearest_is_named(self) -> None:
        names = tuple(f"town {number}" for number in range(5000))
        many = Feature(name="town", kind="category", categories=names, rare=("Rare Creek",))

        assert many.expectation.endswith("'town 4' and 4,997 more")
        found = refused(schema_of(many), {"town": "Town 4321"})
        assert found.reason == "unknown_category"
        assert found.message.startswith("did you mean 'town 4321'? expected one of 'town 0', ")
        assert len(found.message) < 200
        assert refused(schema_of(many), {"town": "rare creek"}).message.startswith("did you mean 'Rare Creek'? ")


class TestIgnoredColumns:
    """Columns of the table that training left out may stay in a request."""

    @pytest.fixture
    def schema(self) -> RequestSchema:
        contract = Contract(task="regression", features=(SIZE,), target=Target(name="rent"), ignored=("id", "rent", ""))
        return RequestSchema(contract, 3)

    @pytest.mark.parametrize("value", [7, "a", None, {"nested": [1]}])
    def test_they_take_any_value(self, schema: RequestSchema, value: object) -> None:
        (instance,) = schema.parse(json.dumps({"id": value, "rent": value, "": value, "size": 42.5}).encode())

        assert instance["size"] == 42.5

    def test_their_names_are_cleaned_as_others_are(self, schema: RequestSchema) -> None:
        assert schema.parse(b'{" id": 7, "size ": 42.5}') == [{"id": 7, "size": 42.5}]

    def test_a_name_that_is_neither_stays_unknown(self, schema: RequestSchema) -> None:
        assert refused(schema, {"size": 42.5, "idd": 7}).reason == "unknown_field"


class TestShapes:
    @pytest.mark.parametrize("document", [[], [FLAT], [FLAT, 1]])
    def test_a_bare_array_is_answered_with_how_to_wrap_it(self, schema: RequestSchema, document: Any) -> None:
        message = 'expected an object: wrap the array as {"instances": [...]}'

        assert refused(schema, document) == FieldProblem("body", "wrong_type", message)

    @pytest.mark.parametrize(
        "document", [FLAT, {"instances": [FLAT]}, {"features": [42.5, 2, "south", True]}], ids=["one", "many", "places"]
    )
    def test_a_byte_order_mark_is_skipped(self, schema: RequestSchema, document: object) -> None:
        assert schema.parse(b"\xef\xbb\xbf" + json.dumps(document).encode()) == [FLAT]

    @pytest.mark.parametrize("document", [5, "text", None, True])
    def test_a_body_that_is_not_an_object_is_answered_with_the_fields(
        self, schema: RequestSchema, document: Any
    ) -> None:
        assert refused(schema, document) == FieldProblem(
            "body", "wrong_type", "expected an object with size, rooms, area, lift"
        )

    @pytest.mark.parametrize("content", [{}, None, 1, "text"])
    def test_instances_that_are_not_an_array_are_refused(self, schema: RequestSchema, content: Any) -> None:
        assert refused(schema, {"instances": content}) == FieldProblem(
            "instances", "wrong_type", "expected an array of instances"
        )

    @pytest.mark.parametrize("content", [{}, None, 1, "text"])
    def test_features_that_are_not_an_array_are_refused(self, schema: RequestSchema, content: Any) -> None:
        assert refused(schema, {"features": content}).reason == "wrong_length"

    def test_no_instance_at_all_is_refused(self, schema: RequestSchema) -> None:
        assert refused(schema, {"instances": []}).message == "expected at least one instance"

    def test_as_many_instances_as_allowed_are_read(self, schema: RequestSchema) -> None:
        assert len(schema.parse(json.dumps({"instances": [FLAT] * 3}).encode())) == 3

    def test_one_instance_more_than_allowed_is_too_many(self, schema: RequestSchema) -> None:
        with pytest.raises(TooManyInstances, match="more than 3 instances"):
            schema.parse(json.dumps({"instances": [FLAT] * 4}).encode())

    def test_too_many_instances_are_so_even_where_all_are_wrong(self, schema: RequestSchema) -> None:
        with pytest.raises(TooManyInstances):
            schema.parse(json.dumps({"instances": [{}] * 4}).encode())


class TestNotJson:
    @pytest.mark.parametrize("body", [b"", b" \r\n\t"])
    def test_an_empty_body_is_called_empty(self, schema: RequestSchema, body: bytes) -> None:
        with pytest.raises(NotJson, match="the body is empty"):
            schema.parse(body)

    @pytest.mark.parametrize(
        "body",
        [
            b"size=42",
            b"{'size': 42}",
            b'{"size": 42,}',
            b'{"size": 42',
            b'{"size": 42} {}',
            b"\xef\xbb\xbf\xef\xbb\xbf{}",
            b'{"size": "\xff"}',
            b'{"\xc3": 1}',
            b'{"size": "\\ud800"}',
            b"\x00",
            b"[" * 100_000,
            b'{"instances": ' + b"[" * 100_000,
            b'{"size": ' * 100_000,
        ],
        ids=lambda body: repr(body[:20]),
    )
    def test_anything_else_that_is_not_json_is_called_so(self, schema: RequestSchema, body: bytes) -> None:
        with pytest.raises(NotJson, match="the body is not JSON"):
            schema.parse(body)


class TestAnyContract:
    @modest
    @given(st.data())
    def test_valid_instances_are_read_and_encoded_in_the_order_of_the_contract(self, data: st.DataObject) -> None:
        contract = data.draw(contracts())
        sent = data.draw(st.lists(instances(contract), min_size=1, max_size=3))

        rows = row_encoder(contract).encode(RequestSchema(contract, 3).parse(json.dumps({"instances": sent}).encode()))

        assert rows.shape == (len(sent), contract.width)
        for row, instance in zip(leads(contract, rows).tolist(), sent, strict=True):
            for cell, feature in zip(row, contract.features, strict=True):
                value = instance.get(feature.name)
                if value is None:
                    assert math.isnan(cell)
                elif feature.kind == "datetime":
                    assert feature.decode(cell) == value
                elif feature.kind == "text":
                    assert cell == len(clean_text(str(value)) or "")
                elif isinstance(value, str):
                    known = {level: code for code, level in enumerate(feature.levels)}
                    code = known.get(value, known.get(value.strip(), feature.unknown_code))
                    assert cell == pytest.approx(code, rel=0, abs=0, nan_ok=True)
                else:
                    assert cell == float(value)

    @modest
    @given(st.data())
    def test_the_three_forms_of_one_instance_are_read_the_same(self, data: st.DataObject) -> None:
        contract = data.draw(contracts())
        instance = data.draw(instances(contract))
        schema = RequestSchema(contract, 3)
        by_position = [instance.get(feature.name) for feature in contract.features]
        rows = [row_encoder(contract).encode(schema.parse(json.dumps({"instances": [instance]}).encode())).tolist()]

        rows.append(row_encoder(contract).encode(schema.parse(json.dumps(instance).encode())).tolist())
        if all(feature.required or instance.get(feature.name) is not None for feature in contract.features):
            found = schema.parse(json.dumps({"features": by_position}).encode())
            rows.append(row_encoder(contract).encode(found).tolist())

        assert all(repr(row) == repr(rows[0]) for row in rows)

    @modest
    @given(st.data())
    def test_a_value_is_read_exactly_where_it_has_no_fault(self, data: st.DataObject) -> None:
        feature = data.draw(features("x"))
        valid = instances(contract_of(feature)).map(lambda instance: instance.get("x"))
        value = data.draw(st.one_of(anything(), valid))
        schema = RequestSchema(contract_of(feature), 3)

        found = fault(feature, value)

        if found is None:
            assert schema.parse(json.dumps({"x": value}).encode())
        else:
            assert refused(schema, {"x": value}) == FieldProblem("x", found.reason, found.message)

    @modest
    @given(st.data())
    def test_a_broken_body_is_a_request_error_and_nothing_else(self, data: st.DataObject) -> None:
        contract = data.draw(contracts())
        broken = data.draw(broken_bodies(contract))

        with pytest.raises(RequestError):
            RequestSchema(contract, 3).parse(broken.body)

    @modest
    @given(st.binary(max_size=60))
    def test_arbitrary_bytes_are_a_request_error_and_nothing_else(self, body: bytes) -> None:
        schema = RequestSchema(contract_of(SIZE), 3)

        with pytest.raises(RequestError):
            schema.parse(body)
