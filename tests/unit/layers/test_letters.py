"""A text within a row of numbers is the same text again."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skylift.cells import clean_text
from skylift.letters import Letters, columns_for
from tests.support.contracts import modest


@modest
@given(st.lists(st.text(max_size=9) | st.none(), min_size=1, max_size=4))
def test_texts_come_back_as_cells_of_a_table(texts: list[str | None]) -> None:
    encoded = Letters(columns_for(9)).rows(texts)

    assert Letters(5).texts(encoded) == [None if text is None else clean_text(text) for text in texts]
    assert np.array_equal(encoded[0], Letters(5).row(texts[0]), equal_nan=True)


@pytest.mark.parametrize("text", ["\U0010ffff" * 4, "\ud800a", "😀 é", "odd"])
def test_any_character_has_a_number(text: str) -> None:
    assert Letters(2).texts(Letters(2).rows([text])) == [text]


def test_its_length_stands_for_it_and_a_missing_text_has_none() -> None:
    encoded = Letters(2).rows(["abc", None])

    assert encoded[0, 0] == 3
    assert math.isnan(encoded[1, 0])
    assert Letters(2).texts(encoded) == ["abc", None]
