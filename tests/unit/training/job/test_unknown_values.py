"""A text that the table does not have is answered as the adopted model answers it."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder

from skylift.adopted import FrameModel
from skylift.encoding import RowEncoder
from skylift.feature import Scalar
from tests.support.elsewhere import adopted, fitted, frame
from training.job import Trained

IGNORING: dict[str, Any] = {"handle_unknown": "ignore", "sparse_output": False}
BY_MOST_FREQUENT = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(**IGNORING))
PERSON: dict[str, Scalar] = {"age": 30, "visits": 2, "score": 1.5, "city": "Lyon", "plan": "basic"}


def policies(trained: Trained) -> dict[str, str | None]:
    return {feature.name: feature.unknown for feature in trained.table.contract.features if feature.is_nominal}


@pytest.mark.parametrize(
    ("encoder", "unknown"),
    [
        (BY_MOST_FREQUENT, {"city": "other", "plan": "other"}),
        (OneHotEncoder(**IGNORING), {"city": "other", "plan": "missing"}),
        (OneHotEncoder(sparse_output=False), {"city": "refuse", "plan": "refuse"}),
        (make_pipeline(BY_MOST_FREQUENT, FunctionTransformer(np.sign)), {"city": "other", "plan": "other"}),
    ],
    ids=["filled", "a column of its own", "an error", "not compiled"],
)
def test_as_the_model_answers_it(tmp_path: Path, encoder: Any, unknown: dict[str, str]) -> None:
    """A missing city is a category of its own to an encoder; a missing plan, which no row has, is nothing to it."""
    model = fitted(encoder)

    trained = adopted(tmp_path, model)

    assert policies(trained) == unknown
    for name in [name for name, policy in unknown.items() if policy != "refuse"]:
        for value in ["Atlantis", None] if name == "city" else ["Atlantis"]:
            asked = PERSON | {name: value}
            scores = trained.compiled.predictor.scores(RowEncoder(trained.table.contract).encode([asked]))
            expected = model.predict_proba(pd.DataFrame([asked]).fillna(np.nan))
            np.testing.assert_allclose(scores, expected, rtol=1e-9)


def test_through_a_data_frame_too(tmp_path: Path) -> None:
    encoder = make_pipeline(SimpleImputer(strategy="most_frequent", add_indicator=True), OneHotEncoder(**IGNORING))
    model = fitted(encoder)

    trained = adopted(tmp_path, model)

    assert isinstance(trained.estimator, FrameModel)
    assert policies(trained)["city"] == "other"
    asked = PERSON | {"city": "Atlantis"}
    scores = trained.compiled.predictor.scores(RowEncoder(trained.table.contract).encode([asked]))
    np.testing.assert_allclose(scores, model.predict_proba(pd.DataFrame([asked])), rtol=1e-9)


def test_a_text_that_the_model_knows_and_the_table_lacks_is_not_unknown(tmp_path: Path) -> None:
    encoder = OneHotEncoder(categories=[["plus", "none", "basic"]], **IGNORING)
    model = fitted(encoder, texts=["plan"])

    trained = adopted(tmp_path, model)

    (plan,) = [feature for feature in trained.table.contract.features if feature.name == "plan"]
    assert (plan.categories, plan.unlearned) == (("plus", "none", "basic"), ("none",))
    assert trained.compiled.outcome.converter == "skylift"


def test_an_order_of_its_own_compiles(tmp_path: Path) -> None:
    given = OrdinalEncoder(categories=[["plus", "basic"]], handle_unknown="use_encoded_value", unknown_value=-1)
    model = fitted(given, texts=["plan"])

    trained = adopted(tmp_path, model)

    assert trained.compiled.outcome.converter == "skylift"
    np.testing.assert_allclose(
        trained.compiled.predictor.scores(trained.table.rows), model.predict_proba(frame()), rtol=1e-9
    )


def test_rare_texts_stay_what_they_are(tmp_path: Path) -> None:
    """Of many names those in one row share a code where Skylift learns, but not where a model knows each of them."""
    noise = np.random.default_rng(0)
    count = 400
    names = [f"n{number}" for number in noise.integers(0, 250, count)]
    rows = pd.DataFrame({"name": names, "x": noise.normal(size=count)})
    rows["y"] = np.where(rows.x + (rows.name.str[-1] > "4") > 0.5, "hi", "lo")
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()).fit(rows[["name"]], rows.y)

    trained = adopted(tmp_path, model, text=rows.to_csv(index=False), target="y")

    (name,) = trained.table.contract.features
    assert name.rare is None
    assert len(name.categories) == rows.name.nunique()
    assert trained.compiled.outcome.converter == "skylift"
