"""Filter patterns match by members of JSON, however deep."""

import pytest

from tests.support.filter_patterns import matches

LINE = '{"status": "200", "experiment": {"id": "7", "arm": "champion"}}'


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ('{ $.status = "200" }', True),
        ('{ $.status = "500" }', False),
        ('{ $.experiment.id = "7" }', True),
        ('{ $.experiment.id = "8" }', False),
        ("{ $.experiment = * }", True),
        ("{ $.experiment.failed = * }", False),
        ('{ $.status = "200" && $.experiment.arm = "challenger" }', False),
        ('{ $.status = "500" || $.experiment.id = "7" }', True),
        ('{ ($.status = "200" || $.other = "x") && $.experiment.id = * }', True),
        ('{ ($.status = "500" || $.other = "x") && $.experiment.id = * }', False),
    ],
)
def test_a_pattern_names_members(pattern: str, found: bool) -> None:
    assert matches(pattern, LINE) is found


@pytest.mark.parametrize("line", ["START RequestId: 1", "7", "[]", '{"experiment": "7"}'])
def test_other_lines_do_not_match(line: str) -> None:
    assert not matches('{ $.experiment.id = "7" }', line)


def test_a_pattern_of_another_kind_is_refused() -> None:
    with pytest.raises(NotImplementedError, match=r"\$\.status > 1"):
        matches("{ $.status > 1 }", LINE)
