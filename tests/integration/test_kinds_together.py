"""A table of dates, free text and rare categories, wherever a table or a version of it goes."""

import io
import json
import random
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from inference.schema import RequestSchema
from skylift.encoding import load_encoder
from skylift.image_cache import bake
from skylift.manifest import Manifest, reference_to
from skylift.predictors import load_predictor
from skylift.registry import Registry
from skylift.scoring import Matrix, predicted_classes
from skylift.verification import read_version
from tests.support.tables import LOGISTIC, config_of
from tests.support.texts import messages
from training.config import GatesSection, ModelConfig
from training.data.prepare import prepare, read_prepared, table_and_split
from training.data.profile import profile
from training.data.validation import validate
from training.evaluation.comparison import compare_versions
from training.job import Trained, train
from training.release.folder import evaluate, write_version
from training.release.packaging import Package, pack
from training.tracking.skylift_mlflow_model import PublishedModel, _load_pyfunc

KINDS = {"sent": "datetime", "text": "text", "shop": "category", "size": "number"}


def table(rows: int, *, seed: int = 0) -> str:
    """Messages with a day in the table's own form, and shops of which many occur once."""
    chance = random.Random(seed)
    lines = ["sent,text,shop,size,type"]
    for number, (kind, text) in enumerate(messages(rows, seed=seed)):
        day = date(2024, 1, 1) + timedelta(days=chance.randrange(700))
        shop = f"once {number}" if chance.random() < 0.1 else f"shop {chance.randrange(130)}"
        lines.append(f'{day:%d.%m.%Y},"{text}",{shop},{chance.random():.3f},{kind}')
    return "\n".join(lines) + "\n"


def config(folder: Path, text: str, **sections: object) -> ModelConfig:
    (folder / "table.csv").write_text(text, encoding="utf-8")
    return config_of(folder / "table.csv", target="type", candidates=[LOGISTIC], **sections).model_copy(
        update={"model": "iris"}
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(config(tmp_path_factory.mktemp("kinds"), table(800)))


@pytest.fixture(scope="module")
def package(trained: Trained) -> Package:
    return pack(trained)


@pytest.fixture(scope="module")
def manifest(package: Package) -> Manifest:
    return Manifest.from_bytes(package.describe(1).to_bytes(), source="test")


def frame(rows: int = 30) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(table(800))).drop(columns="type").head(rows)


def served(package: Package, manifest: Manifest, cells: pd.DataFrame) -> Matrix:
    """The scores of a service that is sent rows as texts and numbers."""
    encoder = load_encoder(manifest, package.artifacts.__getitem__)
    predictor = load_predictor(manifest, package.artifacts.__getitem__, encoder)
    body = json.dumps({"instances": cells.to_dict("records")}).encode()
    return predictor.scores(encoder.encode(RequestSchema(manifest.contract, 1000).parse(body)))


def test_every_kind_is_in_the_contract(trained: Trained) -> None:
    assert {feature.name: feature.kind for feature in trained.table.contract.features} == KINDS
    (shop,) = (feature for feature in trained.table.contract.features if feature.name == "shop")
    assert len(shop.levels) > 100
    assert shop.rare


class TestInMlflow:
    @pytest.fixture(scope="class")
    @staticmethod
    def loaded(package: Package, tmp_path_factory: pytest.TempPathFactory) -> PublishedModel:
        folder, body = tmp_path_factory.mktemp("mlflow"), package.describe(1).to_bytes()
        version = read_version(reference_to(1, body), body, model="iris")
        bake(version, package.artifacts.__getitem__, folder)
        return _load_pyfunc(str(folder))

    def test_it_answers_as_the_service_does(self, loaded: PublishedModel, package: Package, manifest: Manifest) -> None:
        answer = loaded.predict(frame())

        expected = served(package, manifest, frame())
        np.testing.assert_array_equal(answer[["probability_ham", "probability_spam"]].to_numpy(), expected)

    @pytest.mark.parametrize("of_python", [False, True])
    def test_dates_may_be_those_of_pandas_and_python(self, loaded: PublishedModel, of_python: bool) -> None:
        days = pd.to_datetime(frame().sent, format="%d.%m.%Y")

        answer = loaded.predict(frame().assign(sent=days.dt.date if of_python else days))

        pd.testing.assert_frame_equal(answer, loaded.predict(frame()))


class TestAPipelineOfData:
    @pytest.fixture(scope="class")
    @staticmethod
    def prepared(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
        folder = tmp_path_factory.mktemp("prepared")
        prepare(trained.config.table, folder)
        return folder

    def test_prepared_files_give_the_same_table(self, trained: Trained, prepared: Path) -> None:
        again, places = read_prepared(prepared, trained.config.table)

        assert again.contract == trained.table.contract.undecided
        np.testing.assert_array_equal(again.rows[places.train], trained.table.rows[trained.split.train])
        np.testing.assert_array_equal(again.rows[places.holdout], trained.table.rows[trained.split.holdout])

    def test_a_folder_is_measured_on_them_as_training_did(
        self, trained: Trained, prepared: Path, package: Package, tmp_path: Path
    ) -> None:
        write_version(tmp_path, package)

        found = evaluate(tmp_path, prepared, trained.config.table, GatesSection())

        assert found.holdout == pytest.approx(trained.metrics.holdout)


class TestChecked:
    def test_the_table_itself_passes(self, trained: Trained) -> None:
        report = validate(trained.config.table, expected=trained.table.contract)

        assert [finding for finding in report.findings if finding.status == "failed"] == []

    def test_what_breaks_the_contract_of_a_version_is_told_with_its_row(self, trained: Trained, tmp_path: Path) -> None:
        header, first, second, *others = table(300).splitlines()
        first = "31.02.2024" + first[10:]
        broken = config(tmp_path, "\n".join([header, first, second, *others]))

        report = validate(broken.table, expected=trained.table.contract)

        (finding,) = (finding for finding in report.findings if finding.status == "failed")
        assert (finding.column, finding.check, finding.rows) == ("sent", "types", (1,))

    def test_a_profile_has_every_kind(self, trained: Trained) -> None:
        assert {column.name: column.kind for column in profile(trained.table).columns} == KINDS


def test_versions_with_other_rare_values_and_words_are_compared(
    trained: Trained, package: Package, registry: Registry, tmp_path: Path
) -> None:
    other = train(config(tmp_path, table(500, seed=7)))
    first = registry.publish(pack(other).describe, pack(other).artifacts)
    second = registry.publish(package.describe, package.artifacts)

    compared = compare_versions(registry, first, second, trained.config.table)

    assert compared.scored is not None, compared.notes
    holdout = trained.split.holdout
    scores = trained.compiled.predictor.scores(trained.table.rows[holdout])
    right = (predicted_classes(trained.table.contract.target, scores) == trained.table.targets[holdout]).mean()
    accuracy = {difference.metric: difference.after for difference in compared.scored.differences}["accuracy"]
    assert accuracy == pytest.approx(right)
    _, split = table_and_split(trained.config.table)
    assert compared.scored.rows == len(split.holdout)
