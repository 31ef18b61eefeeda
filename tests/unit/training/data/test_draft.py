"""A first model.yaml: it says what was decided, and decides the same when it is read."""

from pathlib import Path

import jsonschema
import pytest

from tests.support.tables import config_of, lines, mixed
from training.config import load_config
from training.config.schema import SCHEMA_FILE, json_schema
from training.config.yaml_core import load_yaml
from training.data.draft import Draft, draft
from training.data.prepare import table_and_split


def drafted(folder: Path, text: str, *, target: str = "y", name: str = "table.csv") -> tuple[Draft, Path]:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    output = folder / "model.yaml"
    made = draft(config_of(path, target=target, validate={}).table, "table", output)
    output.write_text(made.text, encoding="utf-8")
    return made, output


ODD_NAMES = lines('a: b,#,no,"x, {y}",y', lambda row: f"{row * 7 % 11},{row % 5},{row % 3},{row % 4},{'ab'[row % 2]}")

ODD_SIGNS = lines(
    '"a\nb","c\x7f\u202e\U0001f600",y',
    lambda row: f'{row * 7 % 11},"k\n{row % 3}\x9f",' + ("x", '"z\nmodel: other"')[row % 2],
)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        (mixed(), "churned"),
        (ODD_NAMES, "y"),
        (ODD_SIGNS, "y"),
        (lines("price,rooms,y", lambda row: f"{row * 37 % 101},{row % 7},{row * 1.5 + row % 3}"), "y"),
    ],
    ids=["mixed", "odd-names", "odd-signs", "regression"],
)
def test_what_it_says_is_what_training_does_without_it(tmp_path: Path, text: str, target: str) -> None:
    _, output = drafted(tmp_path, text, target=target)

    written, _ = table_and_split(load_config(output).table)
    plain, _ = table_and_split(config_of(tmp_path / "table.csv", target=target, validate={}).table)

    assert written.contract == plain.contract
    assert (written.rows == plain.rows)[written.rows == written.rows].all()


@pytest.mark.parametrize("text", [mixed().replace("churned", "y"), ODD_NAMES], ids=["mixed", "odd-names"])
def test_editors_take_it(tmp_path: Path, text: str) -> None:
    _, output = drafted(tmp_path, text)

    first, *_ = output.read_text(encoding="utf-8").splitlines()
    named = (tmp_path / first.removeprefix("# yaml-language-server: $schema=")).resolve()
    jsonschema.Draft202012Validator(json_schema()).validate(load_yaml(output.read_bytes()))

    assert named == SCHEMA_FILE


@pytest.mark.parametrize(("classes", "positive"), [(("ja", "nein"), "nein"), (("no", "yes"), "yes"), ("01", None)])
def test_the_positive_one_of_two_texts_is_named(tmp_path: Path, classes: str, positive: str | None) -> None:
    _, output = drafted(tmp_path, lines("x,y", lambda row: f"{row * 7 % 11},{classes[row % 2]}"))

    assert load_config(output).target.positive == positive


def test_each_column_is_explained_in_its_line(tmp_path: Path) -> None:
    made, _ = drafted(tmp_path, mixed(), target="churned")

    written = {
        line.split(":")[0].strip(): line.partition("# ")[2] for line in made.text.splitlines() if ": {} #" in line
    }

    assert written["age"] == "integer, 20 to 69"
    assert written["visits"].startswith("integer, 0 to 4, may be missing; kind: category takes the numbers as names")
    assert written["city"] == "category of 3: Lyon, Oslo, Rome, may be missing"
    assert written["member"] == "boolean"


def test_zeros_and_ones_may_be_booleans_and_long_names_are_cut(tmp_path: Path) -> None:
    made, _ = drafted(
        tmp_path, lines("flag,c,y", lambda row: f"{row % 2},{'ab'[row // 2 % 2] * 300},{'cd'[row // 3 % 2]}")
    )

    flag, name = made.decisions
    assert flag.why == "kind: boolean takes 0 and 1 as false and true"
    assert len(name.taken_as) < 120


def test_a_column_that_is_left_out_says_why_and_how_to_keep_it(tmp_path: Path) -> None:
    made, _ = drafted(tmp_path, lines("id,n,y", lambda row: f"{row + 1000},{row * 7 % 11},{'ab'[row % 2]}"))

    (left_out,) = [decision for decision in made.decisions if decision.is_left_out]

    assert left_out.name == "id"
    assert "to keep it, name it in validate.trusted" in left_out.why
    assert f"  # id is left out: {left_out.why}" in made.text.splitlines()


def test_the_target_is_explained(tmp_path: Path) -> None:
    made, _ = drafted(tmp_path, mixed(), target="churned")

    assert made.target.startswith("classification, 2 classes: no (")
    assert f"  task: {made.target.replace(', ', ' # ', 1)}" in made.text.splitlines()


def test_a_guess_between_classes_and_amounts_says_why_and_what_else_there_is(tmp_path: Path) -> None:
    made, _ = drafted(tmp_path, lines("n,y", lambda row: f"{row * 7 % 11},{row % 5}", count=60))

    assert f"  task: {made.target.replace(', ', ' # ', 1)}; or regression" in made.text.splitlines()
    assert any("set target.task: regression to predict the number" in note for note in made.notes)


def test_a_note_stays_beside_what_was_decided(tmp_path: Path) -> None:
    text = lines("amount;n;y", lambda row: f"1.{row:03d},5;{row * 7 % 11};{'ab'[row % 2]}")
    made, _ = drafted(tmp_path, text)

    assert made.notes
    assert all(f"# note: {note}" in made.text for note in made.notes)
