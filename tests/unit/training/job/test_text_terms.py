"""A pipeline that reads words answers sums over its terms as it answers the words, and compiles."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skylift.contract import Contract, Target
from skylift.encoding import load_encoder
from skylift.feature import Feature
from skylift.manifest import MODEL_FILE
from skylift.predictors import load_predictor
from tests.support.elsewhere import adopted
from tests.support.texts import messages
from training.data.table import Table
from training.job.inputs_taken import Inputs
from training.job.text_terms import on_terms
from training.release.packaging import pack

WORDS = "URGENT free prize, call mum at lunch 😀 zebra"


def said(count: int = 120) -> pd.DataFrame:
    rows = pd.DataFrame(messages(count), columns=["type", "text"])
    numbers = np.arange(count)
    late = np.where(numbers % 2, "day", "night")
    return rows.assign(
        of=late, hour=numbers % 24, rank=np.where(numbers % 3 == 0, "a", np.where(numbers % 3 == 1, "b", "c"))
    )


def beside(step: Any, last: Any) -> Pipeline:
    """A pipeline with a step for texts between others, as people write it."""
    encoders = [
        ("of", OneHotEncoder(handle_unknown="ignore"), ["of"]),
        ("text", step, "text"),
        ("hour", StandardScaler(), ["hour"]),
    ]
    return make_pipeline(ColumnTransformer(encoders), last)


@pytest.mark.parametrize(
    ("model", "target"),
    [
        (make_pipeline(TfidfVectorizer(), LogisticRegression()), "type"),
        (make_pipeline(TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 3)), LogisticRegression()), "rank"),
        (make_pipeline(CountVectorizer(), MultinomialNB()), "type"),
        (make_pipeline(CountVectorizer(stop_words="english"), MultinomialNB()), "rank"),
        (
            make_pipeline(
                TfidfVectorizer(), TruncatedSVD(5, random_state=0), RandomForestClassifier(5, random_state=0)
            ),
            "type",
        ),
        (beside(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression()), "type"),
        (beside(CountVectorizer(binary=True), SGDClassifier(loss="log_loss", random_state=0)), "rank"),
        (
            beside(
                make_pipeline(TfidfVectorizer(), TruncatedSVD(4, random_state=0)),
                RandomForestClassifier(5, random_state=0),
            ),
            "type",
        ),
    ],
    ids=[
        "words",
        "letters",
        "naive Bayes",
        "of three",
        "directions",
        "beside others",
        "beside others, of three",
        "directions beside",
    ],
)
def test_it_compiles_and_answers_as_before(tmp_path: Path, model: Any, target: str) -> None:
    rows = said()
    alone = not hasattr(model[0], "transformers")
    columns = rows[["text", target]] if alone else rows[["of", "text", "hour", target]]
    fitted = model.fit(rows.text if alone else rows[["of", "text", "hour"]], rows[target])

    trained = adopted(tmp_path, fitted, text=columns.to_csv(index=False), target=target)

    assert trained.compiled.outcome.converter == "skylift"
    package = pack(trained)
    manifest, read = package.describe(1), package.artifacts.__getitem__
    encoder = load_encoder(manifest, read)
    instance: dict[str, Any] = {"text": WORDS} if alone else {"of": "night", "text": WORDS, "hour": 7.0}
    scores = load_predictor(manifest, read, encoder).scores(encoder.encode([instance]))
    expected = fitted.predict_proba([WORDS] if alone else pd.DataFrame([instance]))
    np.testing.assert_allclose(scores, expected, rtol=1e-9)


def test_what_is_shown_has_words_of_several_rows_though_the_model_knows_rarer_ones(tmp_path: Path) -> None:
    rows = said()
    rows.loc[3, "text"] = "Annabel Quux free prize"
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(C=100.0)).fit(rows.text, rows.type)

    package = pack(adopted(tmp_path, model, text=rows[["text", "type"]].to_csv(index=False), target="type"))

    shown = package.describe(1).to_bytes() + b"".join(
        data for name, data in package.artifacts.items() if name not in {MODEL_FILE, "encoding.npz"}
    )
    assert b"quux" not in shown.lower()
    assert json.loads(package.artifacts["baseline.json"])["words"]["text"]["counts"]


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (
            make_pipeline(TfidfVectorizer(), StandardScaler(with_mean=False), LogisticRegression()),
            "StandardScaler follows",
        ),
        (make_pipeline(TfidfVectorizer(), RandomForestClassifier(2)), "RandomForestClassifier follows a vectorizer"),
        (make_pipeline(HashingVectorizer(n_features=64), LogisticRegression()), "HashingVectorizer has no terms"),
        (
            make_pipeline(TfidfVectorizer(strip_accents="unicode"), LogisticRegression()),
            "cuts texts in a way of its own",
        ),
        (make_pipeline(TfidfVectorizer(token_pattern=r"\S+"), LogisticRegression()), "cuts texts in a way of its own"),
        (make_pipeline(TfidfVectorizer(), TruncatedSVD(101), LogisticRegression()), "more than 100 numbers"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_a_sum_over_terms_is_left_to_the_words(model: Any, reason: str) -> None:
    rows = said()
    text = Feature(name="text", kind="text", max_length=99, directions=1)
    contract = Contract(task="regression", features=(text,), target=Target(name="type"))
    table = Table(contract, np.zeros((0, 2)), np.zeros(0), "", ())

    with pytest.raises(NotImplementedError, match=reason):
        on_terms(model.fit(rows.text, rows.type), Inputs(None, alone=True), table)
