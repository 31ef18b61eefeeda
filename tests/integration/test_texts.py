"""A table of free text, from the file to the answers of the service."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from inference.model import ServedModel
from inference.profiling import load_profiler
from inference.schema import RequestSchema
from skylift.encoding import load_encoder
from skylift.errors import UnservableModel
from skylift.http.errors import InvalidInstance
from skylift.manifest import BASELINE_FILE, Manifest
from skylift.monitoring.baseline import Baseline
from skylift.monitoring.counts import Counts, Tally
from skylift.monitoring.profile import Shape
from skylift.monitoring.verdict import judge
from skylift.predictors import load_predictor
from skylift.references import Reference
from skylift.text_encoder import ENCODING_FILE
from tests.support.fakes import served
from tests.support.tables import LOGISTIC, config_of, table_of
from tests.support.texts import messages, messages_csv
from training.data.prepare import prepare, read_prepared, table_and_split
from training.data.profile import profile
from training.evaluation.champion import rows_for
from training.job import Trained, train
from training.release.packaging import Package, pack

WANTED = "Urgent: call to claim your free prize, you are the winner!"
HARMLESS = "ok see you at lunch, love mum"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    path = tmp_path_factory.mktemp("texts") / "messages.csv"
    path.write_text(messages_csv(400))
    return train(config_of(path, target="type", candidates=[LOGISTIC]))


@pytest.fixture(scope="module")
def package(trained: Trained) -> Package:
    return pack(trained)


@pytest.fixture(scope="module")
def manifest(package: Package) -> Manifest:
    return Manifest.from_bytes(package.describe(1).to_bytes(), source="test")


def test_it_is_learned_and_compiled(trained: Trained) -> None:
    assert trained.metrics.holdout["roc_auc"] > 0.95
    assert trained.compiled.outcome.format == "onnx"
    assert any("column text is read as free text, by " in note for note in trained.notes)


def test_the_service_answers_as_training_does(trained: Trained, package: Package, manifest: Manifest) -> None:
    encoder = load_encoder(manifest, package.artifacts.__getitem__)
    predictor = load_predictor(manifest, package.artifacts.__getitem__, encoder)
    body = json.dumps({"instances": [{"text": WANTED}, {"text": HARMLESS}]}).encode()

    scores = predictor.scores(encoder.encode(RequestSchema(manifest.contract, 10).parse(body)))

    assert [manifest.contract.target.classes[code] for code in scores.argmax(axis=1)] == ["spam", "ham"]
    rows = trained.split.holdout[:20]
    sent = [trained.table.instance(int(row)) for row in rows]
    assert np.array_equal(encoder.encode(sent), trained.table.rows[rows])
    assert np.array_equal(encoder.encode(sent[:1]), trained.table.rows[rows[:1]])


def test_nothing_stored_holds_what_a_person_wrote(package: Package, manifest: Manifest) -> None:
    stored = b"\n".join([*package.artifacts.values(), manifest.to_bytes()]).decode("latin-1")
    for _, text in messages(400):
        assert text.encode().decode("latin-1") not in stored
    assert not re.search(r" 8[0-9]{4}", json.dumps(manifest.model_dump(mode="json")["golden"]))


def test_a_version_whose_vocabulary_is_another_is_not_served(manifest: Manifest) -> None:
    with pytest.raises(UnservableModel, match=re.escape(ENCODING_FILE)):
        load_encoder(manifest, lambda _: b"something else")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("x" * 2**20, "it has 1,048,576 characters: expected a text of at most 1,000 characters"),
        (" " * 2_000, "it has 2,000 characters"),
        ("  ", "a blank is not allowed: expected a text of at most 1,000 characters"),
        ("\x1c", "a blank is not allowed"),
        (None, "null is not allowed"),
        (5, "expected a text of at most 1,000 characters"),
        (["a"], "expected a text"),
    ],
)
def test_a_wrong_text_is_refused_by_its_field(manifest: Manifest, value: object, words: str) -> None:
    with pytest.raises(InvalidInstance) as caught:
        RequestSchema(manifest.contract, 10).parse(json.dumps({"instances": [{"text": value}]}).encode())
    (problem,) = caught.value.problems
    assert problem.field == "instances[0].text"
    assert problem.message.startswith(words)


@pytest.mark.parametrize(
    "text", ["😀😀", "\x00\x07", "Привет мир", "無料の価格", "مرحبا", "a" * 1_000, "\ud7ff", "İstanbul ﬁ"]
)
def test_any_other_text_is_answered(package: Package, manifest: Manifest, text: str) -> None:
    encoder = load_encoder(manifest, package.artifacts.__getitem__)
    instances = RequestSchema(manifest.contract, 10).parse(json.dumps({"instances": [{"text": text}]}).encode())
    assert np.isfinite(encoder.encode(instances)).all()


def test_a_longer_text_than_in_training_is_answered_with_a_warning(manifest: Manifest) -> None:
    answer = served(manifest.contract, [0.5, 0.5]).answer([{"text": "hello " * 100}])
    (warning,) = answer.warnings
    assert str(warning["message"]).startswith("599 characters is outside the training range ")


def test_words_that_training_did_not_have_drift_though_texts_are_as_long(package: Package, manifest: Manifest) -> None:
    read = package.artifacts.__getitem__
    model = ServedModel.of(
        Reference(manifest.version, "0" * 64),
        manifest,
        load_predictor(manifest, read),
        max_instances=100,
        loaded_at=datetime.now(UTC),
        encoder=load_encoder(manifest, read),
        profiler=load_profiler(manifest, read),
    )
    baseline = Baseline.of_version(read(BASELINE_FILE), source="test")
    assert baseline is not None

    def verdict(texts: list[str]) -> dict[str, str]:
        tally = Tally(Shape.of(baseline))
        tally.add(model.answer([{"text": text} for text in texts]).profile)
        for text in texts[:10]:
            tally.add(model.answer([{"text": text}]).profile)
        assert tally.unreadable == 0
        judged = judge(tally.counts(), Counts.of_training(baseline), baseline, manifest.contract, alpha=0.001)
        return {shift.name: shift.state for shift in judged.features}

    usual = [text for _, text in messages(90, seed=1)]
    foreign = [re.sub("[aeiou]", "ø", text) for text in usual]

    assert verdict(usual)["text: unknown words"] != "drift"
    assert verdict(foreign)["text: unknown words"] == "drift"
    assert verdict(foreign)["text"] == verdict(usual)["text"]


def test_prepared_files_give_the_same_rows(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(messages_csv(200) + 'ham,"two ""lines""\nof, text and more"\nham,\n')
    spec = config_of(tmp_path / "table.csv", target="type").table
    table, split = table_and_split(spec)

    prepare(spec, tmp_path / "prepared")
    again, places = read_prepared(tmp_path / "prepared", spec)

    assert again.contract == table.contract
    assert np.array_equal(again.rows[places.train], table.rows[split.train], equal_nan=True)
    assert again.texts["text"].tolist() == table.texts["text"][[*split.train, *split.holdout]].tolist()


def test_a_profile_shows_frequent_words_and_no_texts(trained: Trained) -> None:
    (column,) = profile(trained.table).columns
    assert column.kind == "text"
    assert column.distinct > 390
    assert {value.value for value in column.top} <= {term.strip() for term in trained.table.vocabularies["text"].terms}


def test_texts_that_tell_nothing_are_left_out_unless_they_are_asked_for(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    numbers = zip(messages(200), rng.normal(size=(200, 2)).round(3).tolist(), strict=True)
    content = "\n".join(["said,x,y", *(f'"{text}",{x},{x + y}' for (_, text), (x, y) in numbers)])

    plain = table_of(tmp_path, content)
    asked = table_of(tmp_path, content, features={"said": {"kind": "text"}})

    assert [feature.name for feature in plain.contract.features] == ["x"]
    assert "said" in plain.contract.ignored
    assert any(note.startswith("column said was left out: its words tell nothing of y") for note in plain.notes)
    assert [feature.name for feature in asked.contract.features] == ["said", "x"]


def test_a_champion_of_another_vocabulary_reads_the_same_texts(trained: Trained, tmp_path: Path) -> None:
    other = table_of(tmp_path, messages_csv(150, seed=5), target="type")

    rows, problem = rows_for(trained.table.encoder, other, np.arange(10))

    assert problem == ""
    assert rows is not None
    sent = [other.instance(row) for row in range(10)]
    assert np.array_equal(rows, trained.table.encoder.encode(sent))
