"""A training is told in the same way by itself and by the version that was published of it."""

from dataclasses import fields

import pytest

from skylift.manifest import Manifest
from tests.support.models import iris_package, trained_iris
from training.evaluation.report import EVALUATION_FILE, Evaluation
from training.tracking.described import Described


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return iris_package().describe(7)


def test_a_training_and_its_version_say_the_same(manifest: Manifest) -> None:
    trained = trained_iris()
    evaluation = Evaluation.from_bytes(iris_package().artifacts[EVALUATION_FILE], source=EVALUATION_FILE)

    ended = Described.of_training(trained)
    published = Described.of_version(manifest, evaluation, data_path=trained.config.data.path)

    differing = {one.name for one in fields(Described) if getattr(ended, one.name) != getattr(published, one.name)}
    assert differing <= {"notes"}, "a manifest may have one more, on git"
    assert set(ended.notes) <= set(published.notes)
    assert ended.entry.candidate == published.selected == "logistic"
