"""What a fitted model says of the columns that it takes, whatever it is made of."""

from typing import Any

import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import VotingClassifier
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.tree import DecisionTreeClassifier

from tests.support.elsewhere import fitted, frame, one_hot, words
from training.job.inputs_taken import Inputs, inputs_of

ALL = ("age", "visits", "score", "city", "plan")
BY_WORDS = Inputs(("age", "visits", "score", "plan"), ("plan",))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: fitted(one_hot()), Inputs(ALL)),
        (words, BY_WORDS),
        (
            lambda: fitted(make_union(CountVectorizer(), HashingVectorizer()), texts="plan"),
            Inputs((*ALL[:3], "plan"), ("plan",)),
        ),
        (
            lambda: CalibratedClassifierCV(FrozenEstimator(words())).fit(frame(), frame().churned),
            Inputs((*ALL[:3], "plan"), ("plan",)),
        ),
        (lambda: DecisionTreeClassifier().fit(frame()[["age"]], frame().churned), Inputs(("age",))),
        (lambda: DecisionTreeClassifier().fit(frame()[["age"]].to_numpy(), frame().churned), Inputs(None)),
    ],
    ids=["encoders", "a vectorizer", "two vectorizers", "calibrated", "an estimator", "no names"],
)
def test_it_names_its_columns_and_those_that_it_reads_by_words(make: Any, expected: Inputs) -> None:
    assert inputs_of(make()) == expected


def test_members_side_by_side_take_the_columns_of_all() -> None:
    by_age = make_pipeline(ColumnTransformer([("age", "passthrough", ["age"])]), DecisionTreeClassifier())
    both = VotingClassifier([("age", by_age), ("words", words())], voting="soft")

    found = inputs_of(both.fit(frame().drop(columns="churned"), frame().churned))

    assert found == BY_WORDS


def test_a_vectorizer_alone_takes_one_column_of_texts() -> None:
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(frame().plan, frame().churned)

    assert inputs_of(model) == Inputs(None, alone=True)
