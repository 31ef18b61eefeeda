"""A model that was trained elsewhere becomes a version: contract, classes, compiled form, and what is known of it."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic_core import from_json
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from skylift.adopted import FrameModel
from skylift.background import BACKGROUND_FILE, Background
from skylift.encoding import load_encoder
from skylift.errors import ConfigError, DataError, GateFailed, UnservableModel
from skylift.explanation import load_explainer
from skylift.letters import Letters
from skylift.manifest import BASELINE_FILE, COMPILED_FILE
from skylift.model_card import CARD_FILE
from skylift.predictors import load_predictor
from skylift.references import sha256
from tests.support.elsewhere import NUMBERS, adopted, fitted, frame, names, one_hot, table, words
from tests.support.texts import messages
from training.job import Trained, adopted_table
from training.job.adoption import adopt
from training.release.packaging import pack


class TestAPipelineOnADataFrame:
    @pytest.fixture(scope="class")
    @staticmethod
    def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
        return adopted(tmp_path_factory.mktemp("adopted"), fitted(one_hot()))

    def test_compiles_and_answers_as_before(self, trained: Trained) -> None:
        rows = trained.table.rows

        assert trained.compiled.outcome.converter == "skylift"
        np.testing.assert_allclose(
            trained.compiled.predictor.scores(rows), fitted(one_hot()).predict_proba(frame()), rtol=1e-9
        )

    def test_the_contract_has_the_columns_that_it_reads_in_its_order(self, trained: Trained) -> None:
        assert names(trained) == ["age", "visits", "score", "city", "plan"]

    def test_a_package_tells_where_it_comes_from(self, trained: Trained, tmp_path: Path) -> None:
        package = pack(trained)
        manifest = package.describe(1)
        card = package.artifacts[CARD_FILE].decode()

        assert manifest.lineage.adopted is not None
        assert manifest.lineage.adopted.file == "model.joblib"
        assert manifest.lineage.adopted.sha256 in card
        assert "Adopted from model.joblib" in card
        assert "may have been trained on" in card
        assert manifest.metrics.cross_validated == {}
        assert from_json(package.artifacts[BASELINE_FILE])["predictions"]
        assert load_predictor(manifest, package.artifacts.__getitem__)

    def test_notes_say_that_the_holdout_is_not_sure(self, trained: Trained) -> None:
        assert "nothing was cross-validated" in trained.notes[0]
        assert "may have been trained on rows of the holdout" in trained.notes[1]


def test_a_pipeline_that_reads_words_is_served_through_a_data_frame(tmp_path: Path) -> None:
    trained = adopted(tmp_path, words())
    package = pack(trained)

    assert isinstance(trained.estimator, FrameModel)
    assert COMPILED_FILE not in package.artifacts
    assert any("add pandas to functions/inference/requirements.txt" in note for note in trained.notes)
    predictor = load_predictor(package.describe(1), package.artifacts.__getitem__)
    explainer = load_explainer(package.describe(1), package.artifacts.__getitem__, predictor)
    assert explainer is not None
    scores = predictor.scores(trained.table.rows[:3])
    found = explainer.explain(trained.table.rows[:3], scores)
    assert np.allclose(found.base + found.contributions.sum(axis=1), scores.max(axis=1), rtol=0, atol=1e-12)


class TestATextThatTheModelReadsItself:
    """Short messages, of which one in thirty is missing, on a vectorizer and a logistic regression."""

    @pytest.fixture(scope="class")
    @staticmethod
    def said() -> pd.DataFrame:
        rows = pd.DataFrame(messages(150), columns=["type", "text"]).assign(n=range(150))
        return rows.assign(text=rows.text.mask(rows.n % 30 == 7))[["type", "text"]]

    @pytest.fixture(scope="class")
    @staticmethod
    def model(said: pd.DataFrame) -> Any:
        words = CalibratedClassifierCV(make_pipeline(TfidfVectorizer(), LogisticRegression(C=100.0)), cv=2)
        return words.fit(said.text.fillna(""), said.type)

    @pytest.fixture(scope="class")
    @staticmethod
    def trained(said: pd.DataFrame, model: Any, tmp_path_factory: pytest.TempPathFactory) -> Trained:
        return adopted(tmp_path_factory.mktemp("text"), model, text=said.to_csv(index=False), target="type")

    def test_its_words_reach_the_model_as_they_are(self, said: pd.DataFrame, model: Any, trained: Trained) -> None:
        (feature,) = trained.table.contract.features

        assert (feature.kind, feature.directions) == ("text", None)
        assert any("text is free text, which the model reads itself: up to " in note for note in trained.notes)
        assert any("a missing text in text is an empty one to the model" in note for note in trained.notes)
        scores = trained.compiled.predictor.scores(trained.table.rows)
        np.testing.assert_allclose(scores, model.predict_proba(said.text.fillna("")), rtol=1e-12)

    def test_it_is_served_and_explained_and_nothing_stored_holds_what_a_person_wrote(
        self, said: pd.DataFrame, model: Any, trained: Trained
    ) -> None:
        package = pack(trained)
        manifest, read = package.describe(1), package.artifacts.__getitem__
        predictor, encoder = load_predictor(manifest, read), load_encoder(manifest, read)
        words = "Urgent: claim your FREE prize, call now 😀"
        rows = encoder.encode([{"text": words}])
        explainer = load_explainer(manifest, read, predictor)

        scores = predictor.scores(rows)
        np.testing.assert_allclose(scores, model.predict_proba([words]), rtol=1e-12)
        assert explainer is not None
        found = explainer.explain(rows, scores)
        assert np.allclose(found.base + found.contributions.sum(axis=1), scores.max(axis=1))
        background = Letters(encoder.contract.features[0].letters or 0).texts(
            Background.from_bytes(read(BACKGROUND_FILE), width=encoder.contract.width).rows
        )
        stored = "\n".join([*map(str, background), manifest.to_bytes().decode()])
        assert not any(text in stored for text in said.text.dropna())

    def test_other_texts_of_the_table_are_named_for_it(self, said: pd.DataFrame, model: Any, tmp_path: Path) -> None:
        beside = said.assign(from_=["a", "b", "c"] * 50)

        trained = adopted(tmp_path, model, text=beside.to_csv(index=False), target="type")

        assert names(trained) == ["text"]
        assert "column from_ was left out: model.joblib does not take it" in trained.notes

    def test_too_many_long_ones_are_refused_before_they_fill_the_memory(
        self, said: pd.DataFrame, model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(adopted_table, "_MOST_BYTES", 2**16)

        with pytest.raises(DataError, match=r"reads text itself, and 150 texts .* set data.sample: "):
            adopted(tmp_path, model, text=said.to_csv(index=False), target="type")


@pytest.mark.parametrize(
    ("make", "compiled"),
    [
        (lambda rows: HistGradientBoostingClassifier(max_iter=5, categorical_features="from_dtype"), True),
        (lambda rows: pytest.importorskip("lightgbm").LGBMClassifier(n_estimators=5, verbose=-1), True),
    ],
    ids=["HistGradientBoosting", "LightGBM"],
)
def test_columns_of_pandas_categories_are_read_by_their_names(tmp_path: Path, make: Any, compiled: bool) -> None:
    rows = frame()[["plan", "city", "age"]].astype({"plan": "category", "city": "category"})
    model = make(rows).fit(rows, frame().churned)

    trained = adopted(tmp_path, model)

    assert (trained.compiled.data is not None) is compiled
    scores = trained.compiled.predictor.scores(trained.table.rows)
    np.testing.assert_allclose(scores, model.predict_proba(rows), rtol=1e-9)


def test_dates_that_it_read_as_timestamps_are_these_again(tmp_path: Path) -> None:
    days = pd.to_datetime("2024-01-01") + pd.to_timedelta(np.arange(80) * 5, unit="D")
    rows = frame()[["age", "churned"]].assign(day=days)
    part = ColumnTransformer([("day", FunctionTransformer(_month), ["day"]), ("age", "passthrough", ["age"])])
    model = make_pipeline(part, DecisionTreeClassifier(max_depth=2)).fit(rows[["age", "day"]], rows.churned)

    trained = adopted(tmp_path, model, text=rows.to_csv(index=False))

    assert [feature.kind for feature in trained.table.contract.features] == ["integer", "datetime"]
    scores = trained.compiled.predictor.scores(trained.table.rows)
    np.testing.assert_allclose(scores, model.predict_proba(rows[["age", "day"]]))


def _month(days: Any) -> Any:
    return days.apply(lambda column: column.dt.month)


def test_members_that_read_other_columns_side_by_side(tmp_path: Path) -> None:
    by_age = make_pipeline(ColumnTransformer([("age", "passthrough", ["age"])]), DecisionTreeClassifier(max_depth=2))
    both = VotingClassifier([("texts", fitted(one_hot())), ("age", by_age)], voting="soft")
    model = both.fit(frame().drop(columns="churned"), frame().churned)

    trained = adopted(tmp_path, model)

    assert names(trained) == ["age", "visits", "score", "city", "plan"]
    assert trained.compiled.outcome.converter == "skylift"
    np.testing.assert_allclose(
        trained.compiled.predictor.scores(trained.table.rows), model.predict_proba(frame()), rtol=1e-9
    )


def test_unknown_texts_are_refused_where_the_model_fails_on_them(tmp_path: Path) -> None:
    trained = adopted(tmp_path, fitted(OneHotEncoder(), texts=["plan"]))

    (plan,) = [feature for feature in trained.table.contract.features if feature.name == "plan"]
    assert plan.unknown == "refuse"
    assert any("a text in plan that the table does not have is refused" in note for note in trained.notes)


def test_a_regression(tmp_path: Path) -> None:
    text = (
        frame()[["age", "visits"]].assign(visits=1, n=range(80)).assign(rent=lambda rows: rows.age * 2.0 + rows.n % 3)
    )
    model = LinearRegression().fit(text[["age"]], text["rent"])

    trained = adopted(tmp_path, model, text=text.to_csv(index=False), target="rent")

    assert trained.compiled.outcome.converter == "skylift"
    assert trained.metrics.holdout["r2"] > 0.9


def test_an_onnx_file_is_served_as_it_is(tmp_path: Path) -> None:
    from skl2onnx import to_onnx

    rows = frame()[["age"]].to_numpy(np.float32)
    model = LogisticRegression().fit(rows, frame()["churned"])
    path = tmp_path / "model.onnx"
    path.write_bytes(to_onnx(model, rows[:1]).SerializeToString())
    config = table(tmp_path, frame()[["age", "churned"]].to_csv(index=False))

    package = pack(adopt(config, path))

    assert package.describe(1).compiled.reason == "adopted as it is"
    assert sha256(path.read_bytes()) in package.artifacts[CARD_FILE].decode()
    assert load_predictor(package.describe(1), package.artifacts.__getitem__)


@pytest.mark.parametrize("sections", [{}, {"target_keys": {"positive": "no"}}], ids=["its order", "another order"])
def test_an_onnx_file_of_a_column_each_takes_texts_and_whole_numbers(tmp_path: Path, sections: Any) -> None:
    from skl2onnx import to_onnx

    columns = ColumnTransformer([("texts", OneHotEncoder(), ["plan"]), ("age", "passthrough", ["age"])])
    rows = frame()[["plan", "age"]]
    model = make_pipeline(columns, LogisticRegression()).fit(rows, frame().churned)
    path = tmp_path / "model.onnx"
    path.write_bytes(to_onnx(model, rows.astype({"age": "float32"})[:1]).SerializeToString())

    trained = adopt(table(tmp_path, **sections), path)

    assert names(trained) == ["plan", "age"]
    expected = model.predict_proba(rows)[:, :: -1 if sections else 1]
    np.testing.assert_allclose(trained.compiled.predictor.scores(trained.table.rows), expected, atol=1e-6)


def test_a_model_worse_than_a_constant_fails_its_gates(tmp_path: Path) -> None:
    wrong = frame()["churned"].map({"yes": "no", "no": "yes"})

    with pytest.raises(GateFailed):
        adopted(tmp_path, DecisionTreeClassifier().fit(frame()[["age"]], wrong)).check_gates()


@pytest.mark.parametrize(
    ("model", "sections", "error", "said"),
    [
        (lambda: DecisionTreeClassifier().fit([[1], [2]], ["no", "yes"]), {}, DataError, "takes 1 columns without"),
        (
            lambda: DecisionTreeClassifier().fit(np.zeros((2, 7)), ["no", "yes"]),
            {},
            DataError,
            "takes numbers without names, and city and plan holds texts|takes numbers without names",
        ),
        (
            lambda: DecisionTreeClassifier().fit(
                frame()[["age"]].rename(columns={"age": "plan_basic"}), frame().churned
            ),
            {},
            DataError,
            "takes the column plan_basic, which the table does not have",
        ),
        (
            lambda: DecisionTreeClassifier().fit(frame()[["age"]], ["left", "stayed"] * 40),
            {},
            DataError,
            "knows the classes",
        ),
        (
            lambda: LogisticRegression().fit(frame()[NUMBERS].fillna(0), frame().churned),
            {},
            UnservableModel,
            "cannot score the table .*: give the table it was fitted on; where cells are missing",
        ),
        (
            lambda: LinearRegression().fit(frame()[["age"]], frame().age),
            {"target_keys": {"task": "classification"}},
            ConfigError,
            "target says classification, and model.joblib holds a model for regression",
        ),
        (
            lambda: LogisticRegression().fit(frame()[["age"]], frame().churned),
            {"decision": {"metric": "f1"}},
            ConfigError,
            "decision is learned from cross-validated answers",
        ),
        (
            lambda: DecisionTreeClassifier().fit(frame()[["age"]].assign(churned=1), frame().churned),
            {},
            DataError,
            "takes the column churned, which is the target: fit it on a data frame without the target",
        ),
        (
            lambda: make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(frame().plan, frame().churned),
            {},
            DataError,
            "takes one column of texts, and the table has city, plan: set features.NAME.kind: text",
        ),
    ],
    ids=["width", "texts", "names", "classes", "missing cells", "task", "decision", "target", "which text"],
)
def test_what_does_not_fit_is_told_with_the_next_step(
    tmp_path: Path, model: Any, sections: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        adopted(tmp_path, model(), **sections)
