"""A version is made again from its files, wherever it is to score."""

import pickle

import numpy as np
import pytest

from skylift.bulk.grid import GridPredictor
from skylift.bulk.scoring import BulkModel
from skylift.bulk.sources import Source
from skylift.errors import ConfigError, DataError, GoldenMismatch, IntegrityError, JoblibNotAllowed
from skylift.manifest import CODE_FILE, COMPILED_FILE, MODEL_FILE, Compiled, Golden
from skylift.predictors import OnnxPredictor
from skylift.text_encoder import ENCODING_FILE
from tests.support.bulk import VALUES, bulk_model
from tests.support.models import iris_package


def test_another_process_scores_the_same() -> None:
    model = bulk_model()
    rows = np.random.default_rng(0).normal(size=(50, model.manifest.contract.width))
    model.check(allow_joblib=False)

    there: BulkModel = pickle.loads(pickle.dumps(model))

    assert np.array_equal(there.scores(rows), model.scores(rows))
    assert (there.version, there.digest) == (model.version, model.digest)


def test_trees_are_scored_by_cells_and_others_as_they_are() -> None:
    foreign = bulk_model().manifest.model_copy(update={"compiled": Compiled(format="onnx", converter="skl2onnx")})

    assert isinstance(bulk_model().predictor, GridPredictor)
    assert isinstance(BulkModel("v1", "0", foreign, bulk_model().files).predictor, OnnxPredictor)


def test_a_file_is_refused_by_its_columns_before_it_is_read() -> None:
    source = Source(address="/a/b.csv", name="b.csv", size=1, tag="", form="csv")

    bulk_model().check_columns(source, ["age", "City", "more"])
    with pytest.raises(DataError, match=r"b.csv: there is no column 'age': is it 'aged'"):
        bulk_model().check_columns(source, ["aged", "City"])
    with pytest.raises(DataError, match=r"b.csv: the table has a column 'prediction'.*: rename it"):
        bulk_model().check_columns(source, ["age", "City", "prediction"])


def test_no_rows_have_no_scores() -> None:
    assert bulk_model().scores(np.empty((0, 7))).shape == (0, 2)
    assert bulk_model(VALUES).scores(np.empty((0, 7))).shape == (0,)


def test_only_the_files_that_scoring_needs_are_read() -> None:
    package = iris_package()
    asked: list[str] = []

    def read(name: str) -> bytes:
        asked.append(name)
        return package.artifacts[name]

    model = BulkModel.of("v1", "0", package.describe(1), read)

    assert asked == [MODEL_FILE]
    with pytest.raises(JoblibNotAllowed):
        model.check(allow_joblib=False)
    model.check(allow_joblib=True)


def test_a_version_of_texts_needs_its_vocabularies() -> None:
    contract = bulk_model().manifest.contract
    text = contract.features[3].model_copy(
        update={"kind": "text", "categories": (), "unknown": None, "max_length": 9, "directions": 2}
    )
    manifest = bulk_model().manifest.model_copy(
        update={"contract": contract.model_copy(update={"features": (*contract.features[:3], text)})}
    )

    assert [*BulkModel.of("v1", "0", manifest, lambda name: name.encode()).files] == [COMPILED_FILE, ENCODING_FILE]


def test_a_version_that_scores_differently_from_training_is_refused() -> None:
    model = bulk_model()
    wrong = model.manifest.golden.predictions[0].model_copy(update={"probabilities": {"no": 0.5, "yes": 0.5}})
    golden = Golden(instances=model.manifest.golden.instances, predictions=(wrong,))

    with pytest.raises(GoldenMismatch):
        BulkModel("v1", "0", model.manifest.model_copy(update={"golden": golden}), model.files).check(
            allow_joblib=False
        )
    with pytest.raises(IntegrityError):
        BulkModel("v1", "0", model.manifest, {COMPILED_FILE: b"altered"}).check(allow_joblib=False)


def test_a_model_of_own_modules_brings_them_along() -> None:
    manifest = iris_package().describe(1)
    artifacts = manifest.artifacts | {CODE_FILE: manifest.artifacts[MODEL_FILE]}
    own = manifest.model_copy(update={"artifacts": artifacts})

    assert [*BulkModel.of("v1", "0", own, lambda name: name.encode()).files] == [MODEL_FILE, CODE_FILE]


def test_reasons_need_background_rows() -> None:
    with pytest.raises(ConfigError, match="v1 gives no reasons: an older release made it"):
        BulkModel.of("v1", "0", bulk_model().manifest, bulk_model().files.__getitem__, explain=True)
