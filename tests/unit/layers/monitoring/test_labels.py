"""Labels are read entry by entry, in the terms of the contract, and of several the last one counts."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from skylift.contract import ClassName, Target
from skylift.monitoring.labels import MAX_LABELS, Label, LabelBook, Parsed, parse, parse_file

SPECIES = Target(name="species", classes=("setosa", "virginica"))
PRICE = Target(name="price", unit="euro")
REQUEST = "AbCdEfGh_-012345"
NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


def entry(value: Any = "setosa", *, instance: int = 0, **others: Any) -> dict[str, Any]:
    return {"id": f"{REQUEST}#{instance}", "label": value, **others}


def parsed(*entries: Any, target: Target = SPECIES) -> Parsed:
    return parse(json.dumps({"labels": entries}).encode(), target, NOON)


def value_of(value: Any, target: Target = SPECIES) -> ClassName | float:
    (label,) = parsed(entry(value), target=target).labels
    return label.value


def reason(found: Parsed) -> str:
    (problem,) = found.problems
    assert found.labels == ()
    return problem.reason


class TestForms:
    def test_a_document_and_lines_hold_the_same(self) -> None:
        entries = [entry(), entry("virginica", instance=1)]
        lines = "\n".join(map(json.dumps, entries)).encode()

        assert parse(lines, SPECIES, NOON) == parsed(*entries)
        assert [label.instance for label in parsed(*entries).labels] == [0, 1]

    def test_a_single_line_is_one_label(self) -> None:
        assert len(parse(json.dumps(entry()).encode(), SPECIES, NOON).labels) == 1

    def test_blank_lines_are_left_out(self) -> None:
        body = b"\n" + json.dumps(entry()).encode() + b"\r\n\n"

        assert parse(body, SPECIES, NOON) == parsed(entry())

    def test_a_document_may_be_written_over_several_lines(self) -> None:
        body = json.dumps({"labels": [entry()]}, indent=2).encode()

        assert parse(body, SPECIES, NOON) == parsed(entry())

    def test_an_empty_list_is_not_a_problem(self) -> None:
        assert parsed() == Parsed((), ())

    def test_a_fault_costs_no_other_label_and_has_a_place(self) -> None:
        body = b"\n".join([json.dumps(entry()).encode(), b'{"id": "half', json.dumps(entry(instance=1)).encode()])

        found = parse(body, SPECIES, NOON)

        assert len(found.labels) == 2
        assert [(problem.place, problem.reason) for problem in found.problems] == [("line 2", "not_json")]
        assert parsed(entry(), 3).problems[0].place == "labels[1]"

    @pytest.mark.parametrize("body", [b"", b"  \n", b"\xff\xfe", b"[" * 100_000])
    def test_what_is_not_json_is_said(self, body: bytes) -> None:
        assert reason(parse(body, SPECIES, NOON)) == "not_json"

    @pytest.mark.parametrize("body", [b"[]", b"3", b"null", b'{"labels": 3}', b'{"label": "setosa"}'])
    def test_json_of_another_form_is_said(self, body: bytes) -> None:
        assert reason(parse(body, SPECIES, NOON)) == "wrong_type"

    def test_of_too_many_none_is_taken_but_a_file_may_hold_them(self) -> None:
        body = json.dumps(entry()).encode() + b"\n"

        assert reason(parse(body * (MAX_LABELS + 1), SPECIES, NOON)) == "too_many"
        assert len(parse(body * (MAX_LABELS + 1), SPECIES, NOON, limit=None).labels) == MAX_LABELS + 1

    @pytest.mark.parametrize("part", [b"[]", b"{}", b'{"id": []}'])
    def test_of_more_arrays_and_objects_than_labels_have_none_is_parsed(self, part: bytes) -> None:
        assert reason(parse(b'{"labels": [' + b",".join([part] * 3 * MAX_LABELS) + b"]}", SPECIES, NOON)) == "too_many"

    def test_brackets_in_texts_are_texts(self) -> None:
        body = json.dumps({"labels": [entry(note="[" * 100_000)]}).encode()

        assert len(parse(body, SPECIES, NOON).labels) == 1

    def test_a_body_may_begin_with_a_byte_order_mark(self) -> None:
        assert len(parse(b"\xef\xbb\xbf" + json.dumps(entry()).encode(), SPECIES, NOON).labels) == 1

    def test_of_many_unknown_classes_the_first_get_a_suggestion(self) -> None:
        found = parsed(*[entry("virginicas")] * 100)

        assert [len(found.problems), sum("virginica" in problem.message for problem in found.problems)] == [100, 6]


class TestFiles:
    def test_a_table_is_read_by_the_names_of_its_columns(self) -> None:
        rows = f"label,observed_at,id\nsetosa,2026-03-31T11:00Z,{REQUEST}#0\nvirginica,,{REQUEST}#1\n"

        first, second = parse_file(rows.encode(), SPECIES, NOON).labels

        assert (first.value, first.observed_at) == ("setosa", NOON - timedelta(hours=1))
        assert (second.value, second.observed_at) == ("virginica", NOON)

    @pytest.mark.parametrize("bad", ["rose", "\xff", ""])
    def test_a_bad_row_costs_no_other_and_has_its_line(self, bad: str) -> None:
        rows = f"id,label\n{REQUEST}#0,{bad}\n{REQUEST}#1,setosa\n".encode("latin-1")

        found = parse_file(rows, SPECIES, NOON)

        assert [label.instance for label in found.labels] == [1]
        assert [problem.place for problem in found.problems] == ["line 2"]

    def test_values_are_read_as_numbers(self) -> None:
        (label,) = parse_file(f"id,label\n{REQUEST}#0,1e3\n".encode(), PRICE, NOON).labels

        assert label.value == 1000.0

    @pytest.mark.parametrize("data", [b"%PDF-1.7 \x00\xff", b"id,label\n" + b"x" * 200_000, b"id;label\na;b\n"])
    def test_what_is_not_a_table_is_counted(self, data: bytes) -> None:
        found = parse_file(data + b"\nrest", SPECIES, NOON)

        assert found.labels == ()
        assert found.problems


class TestIds:
    @pytest.mark.parametrize(
        "named", [REQUEST, f"{REQUEST}#", f"{REQUEST}#-1", f"{REQUEST}#01", f"{REQUEST[1:]}#0", f"{REQUEST}#0\n", 3, ""]
    )
    def test_what_no_answer_has_is_refused(self, named: Any) -> None:
        assert reason(parsed({"id": named, "label": "setosa"})) == "invalid_id"


class TestValues:
    @pytest.mark.parametrize("sent", ["setosa", " setosa "])
    def test_a_class_is_written_as_in_the_table(self, sent: str) -> None:
        assert value_of(sent) == "setosa"

    @pytest.mark.parametrize(
        ("classes", "sent", "meant"),
        [
            ((0, 1), 1, 1),
            ((0, 1), 1.0, 1),
            ((0, 1), "1", 1),
            ((False, True), True, True),
            ((False, True), "true", True),
            ((False, True), "0", False),
        ],
    )
    def test_a_boolean_or_an_integer_may_be_sent_as_text(
        self, classes: tuple[ClassName, ...], sent: object, meant: ClassName
    ) -> None:
        found = value_of(sent, Target(name="y", classes=classes))

        assert (found, type(found)) == (meant, type(meant))

    @pytest.mark.parametrize("sent", ["Setosa", "", 0, True, None, ["setosa"], {}])
    def test_another_class_is_refused_with_the_nearest_one(self, sent: object) -> None:
        found = parsed(entry(sent))

        assert reason(found) == "unknown_class"
        assert "setosa" in found.problems[0].message

    def test_a_class_that_training_merged_is_what_it_became(self) -> None:
        target = Target(name="y", classes=("a", "rest"), rest="rest", merged=("b", "c"))

        assert [value_of(sent, target) for sent in ("a", "b", "c", "rest")] == ["a", "rest", "rest", "rest"]

    def test_a_whole_body_of_unknown_classes_costs_little(self) -> None:
        """Each is compared with few of many classes, and told with one."""
        many = Target(name="y", classes=tuple(f"class {number}" for number in range(2000)))

        found = parsed(*[entry(f"Class {number}") for number in range(1000)], target=many)

        assert len(found.problems) == 1000
        assert max(len(problem.message) for problem in found.problems) < 100

    def test_true_is_not_the_class_1(self) -> None:
        assert reason(parsed(entry(True), target=Target(name="y", classes=(0, 1)))) == "unknown_class"

    @pytest.mark.parametrize(("sent", "meant"), [(3, 3.0), (2.5, 2.5), ("152.1", 152.1)])
    def test_a_value_is_a_number(self, sent: object, meant: float) -> None:
        assert value_of(sent, PRICE) == meant

    @pytest.mark.parametrize("sent", ["much", None, True, float("nan"), float("inf"), 10**400, "1e999"])
    def test_what_is_not_a_finite_number_is_refused(self, sent: object) -> None:
        assert reason(parsed(entry(sent), target=PRICE)) == "wrong_type"

    def test_a_message_does_not_repeat_what_was_sent(self) -> None:
        assert "secret" not in str(parsed(entry("secret"), {"id": "secret", "label": "secret"}, "secret").problems)


class TestTimes:
    @pytest.mark.parametrize(
        "sent", ["2026-03-31T10:00:00Z", "2026-03-31T12:00:00+02:00", "2026-03-31T10:00:00", "2026-03-31 10:00"]
    )
    def test_a_time_has_a_zone_or_is_utc(self, sent: str) -> None:
        assert parsed(entry(observed_at=sent)).labels[0].observed_at == NOON - timedelta(hours=2)

    def test_without_one_it_is_that_of_the_arrival(self) -> None:
        assert parsed(entry(), entry(observed_at=None)).labels[0].observed_at == NOON

    @pytest.mark.parametrize("sent", ["yesterday", 1774958400, "2026-13-01", "0001-01-01T00:00:00+23:00"])
    def test_what_is_not_a_time_is_refused(self, sent: object) -> None:
        assert reason(parsed(entry(observed_at=sent))) == "invalid_time"

    def test_a_time_in_the_future_would_outlast_every_correction(self) -> None:
        assert reason(parsed(entry(observed_at="2027-03-31T10:00:00Z"))) == "invalid_time"


class TestBook:
    def label(self, value: str, hours: int = 0, instance: int = 0) -> Label:
        return Label(REQUEST, instance, value, NOON + timedelta(hours=hours))

    def test_the_one_observed_last_counts_whatever_the_order(self) -> None:
        bodies = [
            ([self.label("setosa", 2)], NOON, "a"),
            ([self.label("virginica", 1), self.label("virginica", 3)], NOON, "b"),
            ([self.label("setosa", 3)], NOON - timedelta(hours=1), "c"),
        ]

        for order in itertools.permutations(bodies):
            book = LabelBook()
            for body in order:
                book.add(*body)

            assert book.of(REQUEST)[0].value == "virginica"

    def test_of_the_same_time_the_one_that_arrived_last_counts(self) -> None:
        book = LabelBook()
        book.add([self.label("virginica")], NOON + timedelta(hours=1))
        book.add([self.label("setosa")], NOON)

        assert book.of(REQUEST)[0].value == "virginica"

    def test_of_one_body_the_last_counts(self) -> None:
        book = LabelBook()
        book.add([self.label("setosa"), self.label("virginica")], NOON)

        assert [label.value for label in book] == ["virginica"]

    def test_each_instance_has_its_own(self) -> None:
        book = LabelBook()
        book.add([self.label("setosa"), self.label("virginica", instance=7)], NOON)

        assert len(book) == 2
        assert {instance: label.value for instance, label in book.of(REQUEST).items()} == {0: "setosa", 7: "virginica"}
        assert book.of("another") == {}

    def test_what_is_kept_is_read_again(self) -> None:
        labels = parsed(entry(), entry("virginica", instance=3, observed_at="2026-03-01T01:00:00+01:00")).labels

        again = parse(b"".join(label.line() for label in labels), SPECIES, NOON + timedelta(days=9))

        assert again == Parsed(labels, ())
