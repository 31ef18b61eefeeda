"""What the process without rights answers, before it is checked."""

from pathlib import Path

import numpy as np

from skylift.encoding import RowEncoder
from skylift.manifest import MANIFEST_FILE, MODEL_FILE
from skylift.predictors import load_predictor
from skylift.sandbox import ROWS_FILE
from skylift.sandboxed import answer_of
from tests.support.models import iris_package
from tests.support.pickles import running


def _folder(folder: Path, model: bytes) -> Path:
    manifest = iris_package().describe(1)
    (folder / MANIFEST_FILE).write_bytes(manifest.to_bytes())
    (folder / MODEL_FILE).write_bytes(model)
    np.save(folder / ROWS_FILE, RowEncoder(manifest.contract).encode(manifest.golden.instances))
    return folder


def test_it_answers_with_scores(tmp_path: Path) -> None:
    package = iris_package()
    manifest = package.describe(1)

    answer = answer_of(_folder(tmp_path, package.artifacts[MODEL_FILE]), None)

    expected = load_predictor(manifest, package.artifacts.__getitem__).scores(
        RowEncoder(manifest.contract).encode(manifest.golden.instances)
    )
    assert (answer.shape, answer.scores, answer.problem) == (expected.shape, expected.tobytes(), None)


def test_a_file_that_it_may_not_have_is_a_reason(tmp_path: Path) -> None:
    answer = answer_of(_folder(tmp_path, running("open('/nowhere/at/all')")), None)

    assert answer.problem is not None
    assert answer.problem.message.startswith("the model of v1 tried to use a file")


def test_it_answers_with_the_reason_why_it_gives_no_scores(tmp_path: Path) -> None:
    answer = answer_of(_folder(tmp_path, b"no pickle"), "no\nfilter")

    assert answer.problem is not None
    assert answer.problem.code == "unservable-model"
    assert answer.problem.message.startswith("model.joblib of v1 cannot be loaded")
    assert (answer.scores, answer.unconfined) == (b"", "no?filter")
