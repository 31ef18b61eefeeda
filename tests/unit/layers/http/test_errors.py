"""Errors of requests: what they say of the fields of a body."""

import pytest

from skylift.http.errors import FieldProblem, InvalidInstance


@pytest.mark.parametrize(("total", "text"), [(1, "1 field breaks the contract"), (2, "2 fields break the contract")])
def test_an_invalid_instance_counts_its_fields(total: int, text: str) -> None:
    problem = FieldProblem("instances[0].age", "missing", "missing: expected a number")

    assert InvalidInstance((problem,), total).message == text


def test_an_invalid_instance_keeps_the_first_problems_and_the_number_of_all() -> None:
    problem = FieldProblem("instances[0].age", "missing", "missing: expected a number")

    error = InvalidInstance((problem,), 250)

    assert (error.problems, error.total) == ((problem,), 250)
