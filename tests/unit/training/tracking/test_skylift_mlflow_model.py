"""A published version as MLflow loads it: a data frame in, a data frame out, checked before it is read."""

from pathlib import Path

import pandas as pd
import pytest

from skylift.contract import Contract, Target
from skylift.encoding import RowEncoder
from skylift.errors import IntegrityError
from skylift.feature import Feature
from skylift.image_cache import bake
from skylift.manifest import MODEL_FILE, reference_to
from skylift.numerals import Numerals
from skylift.verification import read_version
from tests.support.fakes import ConstantPredictor
from tests.support.models import IRIS_SETOSA, iris_package, uncompiled
from tests.support.tables import LOGISTIC, RIDGE, learned, lines, mixed
from training.release.packaging import Package, pack
from training.tracking.skylift_mlflow_model import PublishedModel, _load_pyfunc

CALLER = {"age": 30, "visits": 2.0, "score": 1.5, "member": True, "consent": False, "city": "Rome", "plan": "plus"}


def baked(package: Package, folder: Path) -> Path:
    manifest = package.describe(1)
    body = manifest.to_bytes()
    version = read_version(reference_to(1, body), body, model=manifest.model)
    return bake(version, package.artifacts.__getitem__, folder)


def loaded(package: Package, folder: Path) -> PublishedModel:
    baked(package, folder)
    return _load_pyfunc(str(folder))


@pytest.fixture(scope="module")
def churn(tmp_path_factory: pytest.TempPathFactory) -> PublishedModel:
    folder = tmp_path_factory.mktemp("churn")
    strict = {"city": {"unknown": "refuse"}}
    trained = learned(folder, mixed(), LOGISTIC, target="churned", features=strict)
    return loaded(pack(uncompiled(trained)), folder / "baked")


def test_a_classification_gives_a_label_and_a_probability_for_each_class(tmp_path: Path) -> None:
    answer = loaded(iris_package(), tmp_path).predict(pd.DataFrame([IRIS_SETOSA]))

    assert list(answer) == ["label", "probability_setosa", "probability_versicolor", "probability_virginica"]
    assert answer["label"].tolist() == ["setosa"]


def test_a_regression_gives_a_value(tmp_path: Path) -> None:
    trained = learned(tmp_path, lines("x,y", lambda number: f"{number},{number * 1.5}"), RIDGE)
    model = loaded(pack(uncompiled(trained)), tmp_path / "baked")

    answer = model.predict(pd.DataFrame({"x": [10, 20]}))

    assert answer["value"].tolist() == pytest.approx([15, 30], abs=0.5)


@pytest.mark.parametrize("city", [None, float("nan")])
def test_a_value_that_training_saw_missing_may_be_missing(churn: PublishedModel, city: object) -> None:
    assert len(churn.predict(pd.DataFrame([CALLER | {"city": city, "visits": float("nan")}]))) == 1
    assert len(churn.predict(pd.DataFrame([CALLER]).drop(columns="city"))) == 1


def test_blanks_around_a_text_do_not_matter(churn: PublishedModel) -> None:
    pd.testing.assert_frame_equal(
        churn.predict(pd.DataFrame([CALLER | {"city": " Rome "}])), churn.predict(pd.DataFrame([CALLER]))
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"age": None}, "column age holds None: null is not allowed: expected an integer"),
        ({"age": "?"}, "column age holds '\\?': '\\?' counts as missing, which is not allowed"),
        ({"city": "Paris"}, "column city holds 'Paris': expected one of"),
    ],
)
def test_a_value_that_breaks_the_contract_is_refused_with_its_column(
    churn: PublishedModel, change: dict[str, object], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        churn.predict(pd.DataFrame([CALLER | change]))


def test_a_file_that_was_altered_is_not_read(tmp_path: Path) -> None:
    (baked(iris_package(), tmp_path) / MODEL_FILE).write_bytes(b"other")

    with pytest.raises(IntegrityError, match="does not have the digest"):
        _load_pyfunc(str(tmp_path))


def test_a_folder_without_a_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="holds no version"):
        _load_pyfunc(str(tmp_path))


@pytest.mark.parametrize(
    "change",
    [{"age": 3.5}, {"age": "30"}, {"age": True}, {"score": 1e39}, {"score": float("inf")}, {"member": 1}, {"plan": 2}],
    ids=str,
)
def test_a_value_that_the_service_refuses_is_refused(churn: PublishedModel, change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"column {next(iter(change))} holds"):
        churn.predict(pd.DataFrame([CALLER | change]))


def test_a_column_that_the_table_does_not_have_is_refused_with_the_nearest_name(churn: PublishedModel) -> None:
    with pytest.raises(ValueError, match="unknown column 'visit': did you mean 'visits'"):
        churn.predict(pd.DataFrame([CALLER | {"visit": 3}]))


def test_a_column_that_the_model_does_not_use_is_ignored_with_a_warning(churn: PublishedModel) -> None:
    with pytest.warns(UserWarning, match="not used by the model: churned"):
        answer = churn.predict(pd.DataFrame([CALLER | {"churned": "no"}]))

    assert answer["label"].tolist() == churn.predict(pd.DataFrame([CALLER]))["label"].tolist()


def test_a_category_that_training_never_saw_is_scored(churn: PublishedModel) -> None:
    assert len(churn.predict(pd.DataFrame([CALLER | {"plan": "gold"}]))) == 1


def test_a_feature_may_have_the_name_of_its_column_and_its_words_for_missing() -> None:
    size = Feature(name="size", column="SizeInM2", kind="number", required=False, numerals=Numerals(unit="%"))
    contract = Contract(task="regression", features=(size,), target=Target(name="rent"))
    predictor = ConstantPredictor(1.5)

    answers = PublishedModel(RowEncoder(contract), predictor).predict(pd.DataFrame({" SizeInM2": ["61%", "n/a", 5]}))

    (rows,) = predictor.asked
    assert repr(rows.tolist()) == "[[61.0], [nan], [5.0]]"
    assert answers["value"].tolist() == [1.5] * 3
