"""No key of `data`, `target`, `features` and `split` is without effect: each changes the table or the contract."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.tables import config_of, lines
from training.config.table import DataSection, FeatureSection, SplitSection, TargetSection
from training.data.prepare import table_and_split

if TYPE_CHECKING:
    from pydantic import BaseModel

TEXT = lines("x;n;c;y", lambda number: f"{number % 7},5;{number};{('NA', 'b', 'd')[number % 3]};{number % 2}", count=60)
COUNTS = lines("x;n;c;y", lambda number: f"1,{100 + number};{number};{'ab'[number % 2]};{number * 10}", count=60)
COMMAS: dict[str, Any] = {"data_keys": {"decimal": ","}}

EFFECTS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    # key: the table, what is set without it, and what is set with it
    "data.drop": (TEXT, {}, {"data_keys": {"drop": ["n"]}}),
    "data.rename": (TEXT, {}, {"data_keys": {"rename": {"x": "length"}}}),
    "data.sample": (TEXT, {}, {"data_keys": {"sample": 30}}),
    "data.missing": (TEXT, {}, {"data_keys": {"missing": ["NA"]}}),
    "data.columns": (
        TEXT.partition("\n")[2],
        {"data_keys": {"columns": ["x", "n", "c", "y"]}},
        {"data_keys": {"columns": ["a", "n", "c", "y"]}},
    ),
    "data.encoding": (TEXT.replace("b;", "é;"), {}, {"data_keys": {"encoding": "cp1252"}}),
    "data.delimiter": (TEXT.replace(",", "."), {}, {"data_keys": {"delimiter": "."}, "target": "5;n;c;y"}),
    "data.decimal": (COUNTS, COMMAS, {"data_keys": {"decimal": "."}}),
    "data.thousands": (COUNTS, COMMAS, {"data_keys": {"thousands": ","}}),
    "data.exclude": (TEXT, {}, {"data_keys": {"exclude": {"n": [3]}}}),
    "target.task": (TEXT, {}, {"target_keys": {"task": "regression"}}),
    "target.labels": (TEXT, {}, {"target_keys": {"labels": {0: "no", 1: "yes"}}}),
    "target.unit": (
        COUNTS,
        {"data_keys": {"decimal": ","}},
        {"data_keys": {"decimal": ","}, "target_keys": {"unit": "m"}},
    ),
    "split.holdout": (TEXT, {}, {"split": {"holdout": 0.5}}),
    "split.seed": (TEXT, {}, {"split": {"seed": 7}}),
    "features.unit": (TEXT, {}, {"features": {"x": {"unit": "cm"}}}),
    "features.description": (TEXT, {}, {"features": {"x": {"description": "Length"}}}),
    "features.kind": (TEXT, {}, {"features": {"n": {"kind": "number"}}}),
    "features.min": (TEXT, {}, {"features": {"n": {"min": -5}}}),
    "features.max": (TEXT, {}, {"features": {"n": {"max": 500}}}),
    "features.categories": (TEXT, {}, {"features": {"c": {"categories": ["NA", "b", "d", "e"]}}}),
    "features.missing": (TEXT, {}, {"features": {"n": {"missing": True}}}),
}
ELSEWHERE = {
    "data.path": "names the table",
    "target.column": "names the target",
    "split.time": "tests/unit/training/data/test_split_keys.py",
    "split.group": "tests/unit/training/data/test_split_keys.py",
    "features.unknown": "tests/unit/inference/test_schema.py",
    "features.monotone": "tests/unit/training/evaluation/test_behaviour.py",
}
"""Keys whose effect is seen in another way."""


def outcome(folder: Path, text: str, sections: dict[str, Any]) -> tuple[Any, ...]:
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    try:
        table, split = table_and_split(config_of(path, **sections).table)
    except Exception as error:  # noqa: BLE001 (a refusal is an effect as well)
        return (str(error),)
    return table.contract, table.rows.tobytes(), split.holdout.tobytes()


@pytest.mark.parametrize("key", EFFECTS)
def test_a_key_changes_the_table_or_the_contract(tmp_path: Path, key: str) -> None:
    text, without, with_key = EFFECTS[key]

    plain, changed = outcome(tmp_path, text, without), outcome(tmp_path, text, with_key)

    assert len(plain) == 3, f"refused without the key: {plain}"
    assert changed != plain


def test_every_key_is_there() -> None:
    sections: dict[str, type[BaseModel]] = {
        "data": DataSection,
        "target": TargetSection,
        "split": SplitSection,
        "features": FeatureSection,
    }
    keys = {f"{name}.{key}" for name, section in sections.items() for key in section.model_fields}

    assert keys == EFFECTS.keys() | ELSEWHERE.keys()
