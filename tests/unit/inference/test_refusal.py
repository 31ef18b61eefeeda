"""What a refusal says, and that saying it costs no more than an answer: counted, not timed."""

import json
import sys
import tracemalloc
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from inference import refusal
from inference.schema import RequestSchema
from skylift import names
from skylift.contract import Contract, Target
from skylift.feature import Feature
from skylift.http.errors import FieldProblem, InvalidInstance, RequestError
from skylift.numerals import Numerals
from tests.support.contracts import modest
from tests.support.refused_bodies import KINDS, valid

IRIS = ("sepal_length", "sepal_width", "petal_length", "petal_width")

CALLS_PER_BYTE = 1
CALLS = 4000
PEAK_PER_BYTE = 50
PEAK = 2**20


@cache
def names_of(count: int, letters: int) -> tuple[str, ...]:
    return IRIS if count == 4 else tuple(f"feature_{number:04d}".ljust(letters, "_") for number in range(count))


@cache
def schema_of(names: tuple[str, ...], kind: Any = "number") -> RequestSchema:
    categories = ("north", "south") if kind == "category" else ()
    unknown = "missing" if kind == "category" else None
    features = tuple(Feature(name=name, kind=kind, categories=categories, unknown=unknown) for name in names)
    return RequestSchema(Contract(task="regression", features=features, target=Target(name="y")), 1000)


def refused(schema: RequestSchema, body: bytes) -> RequestError | None:
    try:
        schema.parse(body)
    except RequestError as error:
        return error
    return None


def calls_of(work: Callable[[], object]) -> int:
    """How many functions a piece of work calls, of Python and of C."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return calls


def peak_of(work: Callable[[], object]) -> int:
    """How many bytes of Python's memory a piece of work holds at once."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


class Counted:
    """Problems made and names compared."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.problems = self.comparisons = 0
        make, compare = FieldProblem, names.similarity

        def counted_problem(*arguments: Any) -> Any:
            self.problems += 1
            return make(*arguments)

        def counted_comparison(one: str, other: str) -> float:
            self.comparisons += 1
            return compare(one, other)

        monkeypatch.setattr(refusal, "FieldProblem", counted_problem)
        monkeypatch.setattr(names, "similarity", counted_comparison)


class TestCost:
    @settings(modest, max_examples=20)
    @given(
        kind=st.sampled_from(list(KINDS)),
        count=st.sampled_from([4, 40, 400, 2000]),
        letters=st.sampled_from([12, 95]),
        of=st.sampled_from(["number", "category"]),
        size=st.integers(1_000, 50_000),
    )
    @example(kind="nested", count=400, letters=12, of="number", size=50_000)
    @example(kind="a_thousand_empty_objects", count=2000, letters=12, of="number", size=3_000)
    @example(kind="misspelt_names", count=400, letters=95, of="number", size=42_000)
    @example(kind="misspelt_names", count=2000, letters=95, of="number", size=42_000)
    @example(kind="zeros", count=2000, letters=12, of="category", size=40_000)
    @example(kind="combining_marks", count=4, letters=12, of="number", size=40_000)
    def test_a_refusal_takes_work_and_memory_by_the_bytes_of_the_body_alone(
        self, kind: str, count: int, letters: int, of: str, size: int
    ) -> None:
        names = names_of(count, letters)
        schema, body = schema_of(names, of), KINDS[kind](names, size)
        with pytest.MonkeyPatch.context() as monkeypatch:
            counted = Counted(monkeypatch)

            calls = calls_of(lambda: refused(schema, body))

            assert counted.problems <= refusal.MAX_PROBLEMS
            assert counted.comparisons <= 200
            assert calls <= CALLS_PER_BYTE * len(body) + CALLS
        assert peak_of(lambda: refused(schema, body)) <= PEAK_PER_BYTE * len(body) + PEAK

    @pytest.mark.parametrize("part", [b"1", b"[]", b"{}", b'{"a":1}', b'{"sepal_length":5.1}'])
    def test_instances_after_the_last_problem_that_is_told_are_counted_at_once(self, part: bytes) -> None:
        schema, few, many = schema_of(IRIS), 30, 1000

        def calls(count: int) -> int:
            body = b'{"instances":[%s]}' % b",".join([part] * count)
            return calls_of(lambda: refused(schema, body))

        assert calls(many) - calls(few) <= 7 * (many - few)

    @pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "repeated_names"])
    def test_each_kind_is_refused(self, kind: str) -> None:
        assert refused(schema_of(IRIS), KINDS[kind](IRIS, 20_000)) is not None

    def test_a_valid_body_of_the_size_is_not(self) -> None:
        assert refused(schema_of(IRIS), valid(IRIS, 20_000)) is None


class TestCounts:
    def test_problems_of_all_instances_are_counted_and_twenty_told(self) -> None:
        error = refused(schema_of(IRIS), json.dumps({"instances": [{}] * 999 + [{"a": 1}]}).encode())

        assert isinstance(error, InvalidInstance)
        assert (len(error.problems), error.total) == (20, 1000 * len(IRIS) + 1)

    def test_those_of_instances_that_are_only_counted_are_those_of_each_by_itself(self) -> None:
        names = ("size", "share", "town")
        features = (
            Feature(name="size", column="Size", kind="number"),
            Feature(name="share", kind="number", required=False, missing=("-9",), numerals=Numerals(unit="%")),
            Feature(name="town", kind="category", categories=("North", "South"), unknown="refuse"),
        )
        target = Target(name="y")
        schema = RequestSchema(Contract(task="regression", features=features, target=target, ignored=("id",)), 1000)
        kinds: list[Any] = [
            *(1, None, [], {}, {"a": 1}, {"size": 1, "town": "North"}, {"Size ": 1, "town": " South "}),
            *(
                {"size": "x", "share": "5.1 %", "town": "East"},
                {"size": 1, "Size": 1, "id": 2, "b": 3, "town": "North"},
            ),
            *(
                {"size": None, "share": "-9", "town": "n/a"},
                {"size": " ", " town": 4, "share": -9},
                dict.fromkeys(names),
            ),
        ]

        def total(instances: list[Any]) -> int:
            error = refused(schema, json.dumps({"instances": instances}).encode())
            return error.total if isinstance(error, InvalidInstance) else 0

        one_by_one = [total([instance]) for instance in kinds]

        assert one_by_one == [1, 1, 1, 2, 3, 0, 0, 2, 2, 2, 2, 2]
        assert total([1] * 20 + kinds) == 20 + sum(one_by_one)

    def test_as_many_names_are_read_as_a_header_as_a_table_may_have_and_no_more(self) -> None:
        schema, count = schema_of(IRIS), 1000
        instances = [{f"{' ' * number}{name}": 1 for name in IRIS} for number in range(1, count + 1)]

        error = refused(schema, json.dumps({"instances": instances}).encode())

        assert isinstance(error, InvalidInstance)
        assert count < error.total < 2 * len(IRIS) * count
        assert refused(schema, json.dumps({"instances": instances[:20]}).encode()) is None

    def test_names_that_are_nearly_right_are_told_with_what_they_may_mean_up_to_a_number(self) -> None:
        body = json.dumps({f"{name}s": 1 for name in names_of(40, 12)}).encode()

        error = refused(schema_of(names_of(40, 12)), body)

        assert isinstance(error, InvalidInstance)
        assert error.total == 80

    def test_among_far_too_many_names_those_of_columns_are_still_known(self) -> None:
        size = Feature(name="size", column="SizeInM2", kind="number")
        schema = RequestSchema(Contract(task="regression", features=(size,), target=Target(name="y")), 3)
        many = {f"unknown {number}": 1 for number in range(1000)}

        error = refused(schema, json.dumps(many | {"SizeInM2": 5}).encode())

        assert isinstance(error, InvalidInstance)
        assert error.total == 1000

    def test_a_name_in_another_case_is_known_for_what_it_is(self) -> None:
        error = refused(schema_of(IRIS), json.dumps(dict.fromkeys(IRIS, 1.0) | {"Petal-Width": 1}).encode())

        assert isinstance(error, InvalidInstance)
        assert error.problems[0].message == "unknown field; did you mean 'petal_width'?"


class TestNesting:
    def test_too_many_instances_are_told_as_such_without_parsing_them(self) -> None:
        error = refused(schema_of(IRIS), valid(IRIS, 200_000))

        assert error is not None
        assert error.code == "too-many-instances"

    def test_an_array_of_many_instances_is_told_how_to_wrap_it(self) -> None:
        error = refused(schema_of(IRIS), KINDS["array"](IRIS, 200_000))

        assert isinstance(error, InvalidInstance)
        assert "wrap the array" in error.problems[0].message

    def test_many_arrays_are_refused_with_their_number(self) -> None:
        error = refused(schema_of(IRIS), KINDS["nested"](IRIS, 200_000))

        assert isinstance(error, InvalidInstance)
        assert error.problems[0].message == "it holds more than 2100 arrays and objects"

    @pytest.mark.parametrize("text", ["[" * 40, '[{\\"' * 10, "{\u00e9}" * 10])
    def test_texts_may_hold_as_many_brackets_as_they_like(self, text: str) -> None:
        schema = schema_of(("a", "b"), "category")
        instance = {"a": text, "b": text}

        assert schema.parse(json.dumps({"instances": [instance] * 1000}).encode()) == [instance] * 1000


def test_a_problem_names_its_feature_but_never_a_name_of_the_caller() -> None:
    size = Feature(name="size", column="Size in m2", kind="number")
    schema = RequestSchema(Contract(task="regression", features=(size,), target=Target(name="rent")), 10)

    with pytest.raises(InvalidInstance) as caught:
        schema.parse(
            b'{"instances": [{"Size in m2": "big"}, {}, {"size": 1, "Size in m2 ": 2}, {"size": 1, "secret": 2}]}'
        )

    assert [problem.feature for problem in caught.value.problems] == ["size", "size", "size", None]
