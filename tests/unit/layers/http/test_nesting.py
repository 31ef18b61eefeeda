"""The number of arrays and objects in a body is known before it is parsed."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skylift.http import nesting
from tests.support.contracts import modest

DOCUMENTS = st.recursive(
    st.one_of(st.integers(), st.text(st.sampled_from('[]{}"\\ a\u00e9'))),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(st.sampled_from('[{"\\')), inner)),
    max_leaves=20,
)


def containers(document: Any) -> int:
    if isinstance(document, dict):
        return 1 + sum(map(containers, document.values()))
    return 1 + sum(map(containers, document)) if isinstance(document, list) else 0


@modest
@given(document=DOCUMENTS, ascii_only=st.booleans())
def test_brackets_in_texts_do_not_count(document: Any, ascii_only: bool) -> None:
    body = json.dumps(document, ensure_ascii=ascii_only).encode()

    found = nesting.brackets(body)

    assert len(found) == 2 * containers(document) <= 2 * nesting.at_most(body)
    assert re.fullmatch(rb"[\[\]{}]*", found)


@pytest.mark.parametrize("body", [b"", b'"', b"\\", b'"\\"', b"\xff[", b'{"a": "[', b'""""'])
def test_what_is_not_json_has_brackets_too(body: bytes) -> None:
    assert len(nesting.brackets(body)) <= nesting.at_most(body)


def test_a_request_may_hold_more_than_its_instances() -> None:
    assert nesting.allowed(1000) > 2 * 1000
