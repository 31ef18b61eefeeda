"""Bodies that `POST /predict` refuses, for the iris model: the tests of the problems and of both lanes share them."""

import json

from tests.support.models import IRIS_SETOSA


def with_changes(**changes: object) -> str:
    """An iris with other values."""
    return json.dumps(IRIS_SETOSA | changes)


def with_literal(literal: str) -> str:
    """An iris whose petal width is written as it stands."""
    return with_changes(petal_width=0).replace('"petal_width": 0', f'"petal_width": {literal}')


TEXTS = (
    "sepal_length=5.1",
    "{'sepal_length': 5.1}",
    "{",
    '{"instances": [',
    "<xml/>",
    "undefined",
    json.dumps(IRIS_SETOSA) + ",",
)
EMPTY = (b"", b"  \n")
NOT_UTF_8 = (b"\xff\xfe{}", b'{"sepal_length": "\xff"}', b'{"\xc3\x28": 1}', b"\x80" * 100)
DEEP = (
    *(opening * 200_000 for opening in ("[", '{"a":', '{"instances":[', '{"features":[')),
    "[" * 5_000 + "]" * 5_000,
)

BAD_FIELDS = (
    (with_changes(petal_widht=1), "petal_widht", "unknown_field"),
    (with_changes(petal_width="0.2"), "petal_width", "wrong_type"),
    (with_changes(petal_width=True), "petal_width", "wrong_type"),
    (with_changes(petal_width=None), "petal_width", "wrong_type"),
    (with_literal("NaN"), "petal_width", "not_finite"),
    (with_literal("-Infinity"), "petal_width", "not_finite"),
    (with_literal("1e400"), "petal_width", "not_finite"),
    (with_literal("9" * 400), "petal_width", "not_finite"),
    (with_literal("1e39"), "petal_width", "too_large"),
    (with_literal("-1.7e308"), "petal_width", "too_large"),
    ("[]", "body", "wrong_type"),
    ('"text"', "body", "wrong_type"),
    ('{"instances": null}', "instances", "wrong_type"),
    ('{"instances": []}', "instances", "wrong_length"),
    ('{"instances": [1]}', "instances[0]", "wrong_type"),
    ('{"features": {}}', "features", "wrong_length"),
    ('{"features": [1, 2, 3]}', "features[3]", "missing_field"),
    ('{"features": [1, 2, 3, 4], "instances": []}', "instances", "unknown_field"),
    ('{"instances": [], "instances": 5}', "instances", "wrong_type"),
)
"""Bodies with one bad field, its place and the reason; `test_schema` holds the words of each."""

BAD_BODIES: tuple[str | bytes, ...] = (*TEXTS, *EMPTY, *NOT_UTF_8, *DEEP, *(body for body, _, _ in BAD_FIELDS))
"""All of the above."""
