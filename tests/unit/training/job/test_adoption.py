"""A model that was trained elsewhere becomes a version: contract, classes, compiled form, and what is known of it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic_core import from_json
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from skylift.adopted import FrameModel
from skylift.errors import ConfigError, DataError, GateFailed, UnservableModel
from skylift.explanation import load_explainer
from skylift.manifest import BASELINE_FILE, COMPILED_FILE
from skylift.model_card import CARD_FILE
from skylift.predictors import load_predictor
from skylift.references import sha256
from tests.support.elsewhere import NUMBERS, fitted, frame, one_hot, stored, words
from tests.support.tables import config_of, mixed
from training.config import ModelConfig
from training.job import Trained
from training.job.adoption import adopt
from training.release.packaging import pack


def table(folder: Path, text: str | None = None, *, target: str = "churned", **sections: Any) -> ModelConfig:
    path = folder / "table.csv"
    path.write_text(text or mixed())
    return config_of(path, target=target, **sections)


def adopted(folder: Path, model: Any, **sections: Any) -> Trained:
    return adopt(table(folder, **sections), stored(model, folder), trusted=True)


def names(trained: Trained) -> list[str]:
    return [feature.name for feature in trained.table.contract.features]


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


def test_unknown_texts_are_refused_where_the_model_fails_on_them(tmp_path: Path) -> None:
    trained = adopted(tmp_path, fitted(OneHotEncoder(), texts=["plan"]))

    (plan,) = [feature for feature in trained.table.contract.features if feature.name == "plan"]
    assert plan.unknown == "refuse"
    assert any("a text in plan that the table does not have is refused" in note for note in trained.notes)


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
            lambda: LogisticRegression().fit(frame()[["age"]], frame().churned),
            {"target_keys": {"positive": "no"}},
            ConfigError,
            "the positive class of model.joblib is the second of its own order",
        ),
    ],
    ids=["width", "texts", "names", "classes", "missing cells", "task", "decision", "positive class"],
)
def test_what_does_not_fit_is_told_with_the_next_step(
    tmp_path: Path, model: Any, sections: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        adopted(tmp_path, model(), **sections)
