"""`model.yaml` is read as written, and what is wrong with it is named."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from skylift.errors import ConfigError
from skylift.references import sha256
from tests.support.models import IRIS_CONFIG
from tests.support.paths import ROOT
from training.config import ModelConfig, load_config

REQUIRED: dict[str, Any] = {"model": "wine", "data": {"path": "wine.csv"}, "target": {"column": "kind"}}


def written(folder: Path, document: object) -> Path:
    path = folder / "model.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def loaded(folder: Path, **sections: object) -> ModelConfig:
    return load_config(written(folder, REQUIRED | sections))


def refusal(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    text = str(caught.value)
    assert "\n" not in text, "an error is one line"
    assert str(path) in text, "an error names the file"
    return text


def test_three_keys_are_enough(tmp_path: Path) -> None:
    config = loaded(tmp_path)

    assert (config.model, config.target.column, config.target.task) == ("wine", "kind", None)


def test_rows_are_split_eighty_to_twenty_where_nothing_is_said(tmp_path: Path) -> None:
    config = loaded(tmp_path)

    assert (config.split.holdout, config.split.seed) == (0.2, 42)


def test_the_shipped_file_is_valid_and_names_the_shipped_table() -> None:
    config = load_config(IRIS_CONFIG)

    assert config.data.path == ROOT / "data" / "raw" / "Iris.csv"


def test_the_data_path_is_relative_to_the_file_and_not_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    folder = tmp_path / "project" / "training"
    folder.mkdir(parents=True)

    config = loaded(folder, data={"path": "../data/wine.csv"})

    assert config.data.path == tmp_path / "project" / "data" / "wine.csv"


def test_words_of_yaml_1_1_are_texts(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_text("model: m\ndata: {path: t.csv}\ntarget: {column: y, labels: {0: no, 1: yes}}\n", encoding="utf-8")

    assert load_config(path).target.labels == {0: "no", 1: "yes"}


def test_an_absolute_data_path_is_kept(tmp_path: Path) -> None:
    config = loaded(tmp_path, data={"path": str(tmp_path / "far" / "wine.csv")})

    assert config.data.path == tmp_path / "far" / "wine.csv"


def test_the_digest_is_of_the_files_bytes(tmp_path: Path) -> None:
    path = written(tmp_path, REQUIRED)

    assert load_config(path).digest == sha256(path.read_bytes())


def test_the_folder_is_that_of_the_file_wherever_the_table_is(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_text("model: rents\ndata: {path: s3://tables/rents.csv}\ntarget: {column: rent}\n", encoding="utf-8")

    fetched = load_config(path).with_data(path=Path("/elsewhere/rents.csv"))

    assert fetched.folder == tmp_path.resolve()


@pytest.mark.parametrize("place", ["model", "data", "data.path", "target", "target.column"])
def test_a_missing_required_key_is_named(tmp_path: Path, place: str) -> None:
    document = {key: dict(value) if isinstance(value, dict) else value for key, value in REQUIRED.items()}
    section, _, key = place.rpartition(".")
    del (document[section] if section else document)[key]

    assert f"{place}: missing" in refusal(written(tmp_path, document))


@pytest.mark.parametrize(
    ("sections", "place"),
    [
        ({"gate": {}}, "gate"),
        ({"data": {"path": "a.csv", "separator": ";"}}, "data.separator"),
        ({"target": {"column": "kind", "type": "text"}}, "target.type"),
        ({"split": {"test": 0.2}}, "split.test"),
        ({"features": {"a": {"units": "cm"}}}, "features.a.units"),
        ({"candidates": [{"name": "a", "estimator": "b.C", "parameters": {}}]}, "candidates.0.parameters"),
        ({"gates": {"accuracy": {"minimum": 0.9}}}, "gates.accuracy.minimum"),
    ],
)
def test_an_unknown_key_is_named_with_its_place(tmp_path: Path, sections: dict[str, Any], place: str) -> None:
    assert f": {place}: " in refusal(written(tmp_path, REQUIRED | sections))


@pytest.mark.parametrize(
    ("sections", "place"),
    [
        ({"model": "My Model"}, "model"),
        ({"split": {"holdout": 0}}, "split.holdout"),
        ({"split": {"holdout": 1.5}}, "split.holdout"),
        ({"split": {"seed": -1}}, "split.seed"),
        ({"split": {"seed": "lucky"}}, "split.seed"),
        ({"target": {"column": "kind", "task": "clustering"}}, "target.task"),
        ({"select_by": "recall"}, "select_by: a constant answer may have the best recall: bound it under gates"),
        ({"select_by": "f1_micro"}, "select_by: f1_micro is not a metric: did you mean 'f1_macro'?"),
        ({"gates": {"exactness": {"min": 1}}}, "gates: exactness is not a metric"),
        ({"gates": {"accuracy": {"min": "high"}}}, "gates.accuracy.min"),
        ({"candidates": [{"name": "a", "estimator": "forest"}]}, "candidates.0.estimator"),
        ({"candidates": [{"name": "a", "estimator": "b.C", "search": {"C": []}}]}, "candidates.0.search.C"),
        ({"data": {"path": "a.csv", "drop": "Id"}}, "data.drop"),
    ],
)
def test_a_value_that_cannot_be_is_named_with_its_place(tmp_path: Path, sections: dict[str, Any], place: str) -> None:
    assert f": {place}" in refusal(written(tmp_path, REQUIRED | sections))


def test_two_candidates_of_one_name_are_refused(tmp_path: Path) -> None:
    twins = [{"name": "a", "estimator": "b.C"}, {"name": "a", "estimator": "b.D"}]

    assert "candidates: " in refusal(written(tmp_path, REQUIRED | {"candidates": twins}))


def test_a_file_that_is_not_there_is_named_with_the_option_that_names_another(tmp_path: Path) -> None:
    text = refusal(tmp_path / "nowhere.yaml")

    assert "No such file" in text
    assert "--config" in text


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path)


@pytest.mark.parametrize("text", ["model: [", "model: iris\n\tdata: {}", "a: b: c"])
def test_text_that_is_not_yaml_is_refused_with_the_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "model.yaml"
    path.write_text(text, encoding="utf-8")

    found = refusal(path)

    assert "is not YAML" in found
    assert "line " in found


def test_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_bytes(b"model: caf\xe9\n")

    assert "is not YAML" in refusal(path)


@pytest.mark.parametrize("text", ["", "# only a comment\n", "iris", "- iris\n"])
def test_a_file_without_keys_says_which_are_needed(tmp_path: Path, text: str) -> None:
    path = tmp_path / "model.yaml"
    path.write_text(text, encoding="utf-8")

    assert "data.path and target.column" in refusal(path)


def test_yaml_cannot_make_python_objects(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_text("model: !!python/object/apply:os.getcwd []\n", encoding="utf-8")

    assert "is not YAML" in refusal(path)
