"""What an adopted classifier answers: its own labels, and probabilities alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from skylift.errors import UnservableModel
from skylift.scoring import predicted_classes
from tests.support.elsewhere import adopted, fitted, frame, one_hot
from training.job.classifier_answers import check_probabilities, with_threshold

AGE = frame()[["age"]]
ROWS = AGE.to_numpy(float)
UNSURE = frame().churned.where(frame().index % 4 > 0, "no")
"""A target that no leaf has alone."""


def labels(trained: Any) -> list[str]:
    target = trained.table.contract.target
    codes = predicted_classes(target, trained.compiled.predictor.scores(trained.table.rows))
    return [str(target.classes[code]) for code in codes.tolist()]


@pytest.mark.parametrize("positive", ["yes", "no"])
@pytest.mark.parametrize(
    "model",
    [
        FixedThresholdClassifier(DecisionTreeClassifier(min_samples_leaf=30), threshold=0.8),
        TunedThresholdClassifierCV(LogisticRegression(), scoring="balanced_accuracy", cv=2),
        FixedThresholdClassifier(LogisticRegression(), threshold=0.3, pos_label="no"),
    ],
    ids=["fixed", "tuned", "of the first class"],
)
def test_labels_are_those_of_its_own_threshold(tmp_path: Path, model: Any, positive: str) -> None:
    model.fit(AGE, UNSURE)

    trained = adopted(tmp_path, model, target_keys={"positive": positive})

    assert trained.compiled.outcome.converter == "skylift"
    assert labels(trained) == model.predict(AGE).tolist()
    assert labels(trained) != model.estimator_.predict(AGE).tolist()
    assert any("as the model has it" in note for note in trained.notes)


def test_a_probability_that_equals_the_threshold_is_above_it_as_before(tmp_path: Path) -> None:
    model = FixedThresholdClassifier(DecisionTreeClassifier(min_samples_leaf=30))
    model.fit(AGE, UNSURE)
    model.threshold = float(model.predict_proba(AGE)[:, 1].max())

    assert labels(adopted(tmp_path, model)) == model.predict(AGE).tolist()


def test_so_are_those_of_a_pipeline_within_it(tmp_path: Path) -> None:
    model = FixedThresholdClassifier(fitted(one_hot()), threshold=0.05).fit(frame(), frame().churned)

    trained = adopted(tmp_path, model)

    assert trained.compiled.outcome.converter == "skylift"
    assert labels(trained) == model.predict(frame()).tolist()


def test_a_threshold_of_model_yaml_goes_first(tmp_path: Path) -> None:
    model = FixedThresholdClassifier(LogisticRegression(), threshold=0.3).fit(AGE, frame().churned)

    trained = adopted(tmp_path, model, decision={"threshold": 0.7})

    assert trained.table.contract.target.threshold == 0.7
    assert labels(trained) == np.where(model.predict_proba(AGE)[:, 1] > 0.7, "yes", "no").tolist()


class Cautious(LogisticRegression):  # type: ignore[misc]
    """A classifier that labels by another bound than one half."""

    def predict(self, X: Any) -> Any:  # noqa: N803 (scikit-learn's)
        return self.classes_[(self.predict_proba(X)[:, 1] > 0.3).astype(int)]


@pytest.mark.parametrize("positive", ["yes", "no"])
@pytest.mark.parametrize("steps", ["alone", "one hot"])
def test_a_note_counts_the_rows_that_it_labels_otherwise(tmp_path: Path, steps: str, positive: str) -> None:
    rows = AGE if steps == "alone" else frame()
    model = Cautious().fit(AGE, UNSURE) if steps == "alone" else fitted(one_hot(), model=Cautious())

    trained = adopted(tmp_path, model, target_keys={"positive": positive})

    count = int((np.array(labels(trained)) != model.predict(rows)).sum())
    assert count
    said = (
        f"the model's own predict labels {count} of {len(rows)} rows otherwise: a label here is the most probable class"
    )
    assert said in trained.notes


def test_no_note_is_made_of_one_that_takes_the_most_probable_class(tmp_path: Path) -> None:
    trained = adopted(tmp_path, fitted(one_hot()))

    assert not any("otherwise" in note for note in trained.notes)


def test_a_threshold_of_decisions_is_refused(tmp_path: Path) -> None:
    model = FixedThresholdClassifier(LogisticRegression(), threshold=0.3, response_method="decision_function")
    model = make_pipeline(model.fit(AGE, frame().churned))

    with pytest.raises(UnservableModel, match=r"a threshold of decisions.*response_method='predict_proba'"):
        adopted(tmp_path, model)


class Margins:
    """A model that calls decisions probabilities, or probabilities of each class by itself."""

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def predict_proba(self, rows: Any) -> Any:
        return np.column_stack([np.full(len(rows), 0.5), self.factor * np.ones(len(rows))])


def test_what_is_outside_of_0_to_1_is_refused() -> None:
    with pytest.raises(UnservableModel, match=r"m.joblib answers with numbers from 0.5 to 3, which cannot"):
        check_probabilities(Margins(3.0), ROWS, "m.joblib")


@pytest.mark.parametrize(("factor", "notes"), [(0.5, 0), (0.7, 1)])
def test_probabilities_that_do_not_sum_to_1_are_noted(factor: float, notes: int) -> None:
    assert len(check_probabilities(Margins(factor), ROWS, "m.joblib")) == notes


def test_a_model_without_a_threshold_leaves_the_table_as_it_is(tmp_path: Path) -> None:
    trained = adopted(tmp_path, fitted(one_hot()))

    assert with_threshold(fitted(one_hot()), trained.table, None, "m.joblib") == (trained.table, [])
