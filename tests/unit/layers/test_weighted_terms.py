"""Texts as sums over terms are what a model makes of a vectorizer's matrix, and their file is trusted with nothing."""

from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from skylift.analysis import Analysis
from skylift.array_file import write_arrays
from skylift.errors import UnservableModel
from skylift.text_encoder import from_bytes, to_bytes
from skylift.weighted_terms import WeightedTerms

TEXTS = ["Not so good, not at all", "a  good\tDay!", "ß İ É 価格 😀 the", "x"]


@pytest.mark.parametrize(
    ("vectorizer", "fields"),
    [
        (TfidfVectorizer(), {"norm": "l2"}),
        (TfidfVectorizer(norm="l1", sublinear_tf=True), {"norm": "l1", "sublinear": True}),
        (TfidfVectorizer(norm=None, binary=True, use_idf=False), {"binary": True}),
        (CountVectorizer(), {}),
    ],
    ids=["usual", "l1", "binary", "counts"],
)
def test_sums_over_terms_are_those_of_its_matrix_from_a_file_as_well(vectorizer: Any, fields: dict[str, Any]) -> None:
    matrix = vectorizer.fit_transform(TEXTS)
    coordinates = np.random.default_rng(0).normal(size=(matrix.shape[1], 2))
    weights = getattr(vectorizer, "idf_", None) if getattr(vectorizer, "use_idf", False) else None
    weights = np.ones(len(coordinates)) if weights is None else weights
    made = WeightedTerms(Analysis("word", 1, 1, **fields), [*vectorizer.get_feature_names_out()], weights, coordinates)

    (stored,) = from_bytes(WeightedTerms, to_bytes([made]), [3])

    sums = stored.rows([*TEXTS, None])
    np.testing.assert_allclose(sums[:-1, 1:], matrix @ coordinates, rtol=1e-12, atol=1e-12)
    assert np.isnan(sums[-1, 0])
    assert not sums[-1, 1:].any()
    assert stored.analysis == made.analysis
    assert [stored.unknown(text) for text in ("good zebra", "at all")] == [0.5, 0]


@pytest.mark.parametrize(
    "changes",
    [
        {"weights": np.ones(3)},
        {"weights": np.ones(2, np.float32)},
        {"weights": np.array([1, np.nan])},
        {"sums": np.ones((2, 2))},
        {"sums": np.ones((2, 0))},
        {"sums": np.ones(2)},
        {"analysis": np.frombuffer(b"{}", np.uint8)},
        {
            "analysis": np.frombuffer(
                b'{"analysis":{"unit":"line","shortest":1,"longest":1},"terms":["a","b"]}', np.uint8
            )
        },
        {
            "analysis": np.frombuffer(
                b'{"analysis":{"unit":"word","shortest":1,"longest":1},"terms":["a","a"]}', np.uint8
            )
        },
        {"analysis": np.ones(3)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_file_of_something_else_is_refused(changes: dict[str, Any]) -> None:
    document = b'{"analysis":{"unit":"word","shortest":1,"longest":1},"terms":["a","b"]}'
    arrays: dict[str, Any] = {
        "analysis": np.frombuffer(document, np.uint8),
        "weights": np.ones(2),
        "sums": np.ones((2, 1)),
    }
    from_bytes(WeightedTerms, write_arrays({f"0.{name}": array for name, array in arrays.items()}), [2])

    broken = write_arrays({f"0.{name}": array for name, array in (arrays | changes).items()})
    with pytest.raises(UnservableModel, match="cannot be read"):
        from_bytes(WeightedTerms, broken, [2])
