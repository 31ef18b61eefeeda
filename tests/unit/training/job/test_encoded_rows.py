"""A pipeline that was fitted on a data frame answers encoded rows as it answers the frame."""

from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

from skylift.contract import Contract, Target
from skylift.feature import Feature
from tests.support.elsewhere import NUMBERS, TEXTS, fitted, frame, one_hot
from training.job.encoded_rows import on_encoded_rows
from training.job.inputs_taken import inputs_of


def contract() -> Contract:
    numbers = (Feature(name=name, kind="number", required=False) for name in NUMBERS)
    texts = (
        Feature(name=name, kind="category", categories=tuple(sorted(set(frame()[name].dropna()))), required=False)
        for name in TEXTS
    )
    return Contract(
        task="classification", features=(*numbers, *texts), target=Target(name="churned", classes=("no", "yes"))
    )


def encoded() -> np.ndarray[Any, np.dtype[np.float64]]:
    columns = [frame()[name].to_numpy(float) for name in NUMBERS]
    features = contract().features[len(NUMBERS) :]
    texts = frame()[TEXTS].astype(object).where(frame()[TEXTS].notna(), None)
    columns += [np.array([one.codes[value] for value in texts[one.name]]) for one in features]
    return np.column_stack(columns)


@pytest.mark.parametrize(
    "encoder",
    [
        one_hot(),
        make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(drop="first")),
        OneHotEncoder(),
        OrdinalEncoder(encoded_missing_value=-1),
        make_pipeline(SimpleImputer(strategy="most_frequent"), TargetEncoder()),
    ],
    ids=lambda encoder: type(getattr(encoder, "steps", [(0, encoder)])[-1][1]).__name__,
)
def test_texts_become_codes(encoder: Any) -> None:
    pipeline = fitted(encoder)
    by_frame = pipeline.predict_proba(frame())

    changed = on_encoded_rows(pipeline, contract_in_order_of(pipeline))

    assert frame()[TEXTS].isna().any().any()
    np.testing.assert_allclose(changed.predict_proba(in_order_of(pipeline)), by_frame, rtol=1e-9)


def contract_in_order_of(pipeline: Any) -> Contract:
    known = {feature.name: feature for feature in contract().features}
    features = tuple(known[name] for name in inputs_of(pipeline).names or ())
    return Contract(task="classification", features=features, target=contract().target)


def in_order_of(pipeline: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    names = [*NUMBERS, *TEXTS]
    return encoded()[:, [names.index(name) for name in inputs_of(pipeline).names or ()]]


def test_columns_that_are_dropped_at_once_are_not_taken() -> None:
    assert inputs_of(fitted(one_hot())).names == ("age", "visits", "score", "city", "plan")


def test_the_given_model_stays_as_it_was() -> None:
    pipeline = fitted(one_hot())

    on_encoded_rows(pipeline, contract_in_order_of(pipeline))

    assert "age" in pipeline.feature_names_in_
    assert pipeline.predict_proba(frame()).shape == (len(frame()), 2)


def test_a_step_that_reads_words_is_left_to_a_data_frame() -> None:
    pipeline = fitted(TfidfVectorizer(), texts="plan")

    with pytest.raises(NotImplementedError, match="TfidfVectorizer takes texts"):
        on_encoded_rows(pipeline, contract_in_order_of(pipeline))
