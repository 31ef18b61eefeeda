"""The table of a model that was trained elsewhere: its columns, as what, and its classes in which order."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from tests.support.elsewhere import adopted, fitted, frame, names, one_hot, words


def test_a_short_text_that_a_vectorizer_reads_is_free_text(tmp_path: Path) -> None:
    trained = adopted(tmp_path, words())

    assert [feature.kind for feature in trained.table.contract.features if feature.name == "plan"] == ["text"]


def test_columns_that_it_does_not_take_are_left_out_and_named(tmp_path: Path) -> None:
    model = DecisionTreeClassifier(max_depth=2).fit(frame()[["score", "age"]], frame()["churned"])

    trained = adopted(tmp_path, model)

    assert names(trained) == ["score", "age"]
    assert "column city was left out: model.joblib does not take it" in trained.notes
    assert "city" in trained.table.contract.ignored


def test_classes_as_numbers_are_those_of_the_table_in_their_order(tmp_path: Path) -> None:
    codes = (frame()["churned"] == "yes").astype(int)
    trained = adopted(tmp_path, DecisionTreeClassifier(max_depth=2).fit(frame()[["age"]], codes))

    assert trained.table.contract.target.classes == ("no", "yes")
    assert trained.metrics.holdout["accuracy"] == 1.0
    assert "the model's classes are taken in the order of their names: 0 no, 1 yes" in trained.notes


def test_classes_keep_the_models_order(tmp_path: Path) -> None:
    model = DecisionTreeClassifier(max_depth=2).fit(frame()[["age"]], frame()["churned"] == "yes")
    model.classes_ = np.array(["yes", "no"])
    model.tree_.value[:] = model.tree_.value[:, :, ::-1]

    trained = adopted(tmp_path, model)

    assert trained.table.contract.target.classes == ("yes", "no")
    assert trained.metrics.holdout["accuracy"] == 1.0


@pytest.mark.parametrize("make", [lambda: fitted(one_hot()), words], ids=["compiled", "by a frame"])
def test_the_positive_class_may_be_the_models_first(tmp_path: Path, make: Any) -> None:
    model = make()

    trained = adopted(tmp_path, model, target_keys={"positive": "no"})

    assert trained.table.contract.target.classes == ("yes", "no")
    scores = trained.compiled.predictor.scores(trained.table.rows)
    np.testing.assert_allclose(scores, model.predict_proba(frame())[:, ::-1], rtol=1e-9)
