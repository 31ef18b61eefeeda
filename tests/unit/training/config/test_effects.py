"""No key of `model.yaml` is without effect: each changes the table or the contract, or another test sees its effect."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import ROOT
from tests.support.tables import config_of, lines
from training.config import ModelConfig
from training.data.prepare import table_and_split

TEXT = lines("x;n;c;y", lambda number: f"{number % 7},5;{number};{('NA', 'b', 'd')[number % 3]};{number % 2}", count=60)
COUNTS = lines("x;n;c;y", lambda number: f"1,{100 + number};{number};{'ab'[number % 2]};{number * 10}", count=60)
NAMES = lines("n;y", lambda number: f"{number % 7};{'ab'[number % 2] if number % 5 else 'c'}", count=60)
COMMAS: dict[str, Any] = {"data_keys": {"decimal": ","}}

EFFECTS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    # key: the table, what is set without it, and what is set with it
    "DataSection.drop": (TEXT, {}, {"data_keys": {"drop": ["n"]}}),
    "DataSection.rename": (TEXT, {}, {"data_keys": {"rename": {"x": "length"}}}),
    "DataSection.sample": (TEXT, {}, {"data_keys": {"sample": 30}}),
    "DataSection.missing": (TEXT, {}, {"data_keys": {"missing": ["NA"]}}),
    "DataSection.columns": (
        TEXT.partition("\n")[2],
        {"data_keys": {"columns": ["x", "n", "c", "y"]}},
        {"data_keys": {"columns": ["a", "n", "c", "y"]}},
    ),
    "DataSection.encoding": (TEXT.replace("b;", "é;"), {}, {"data_keys": {"encoding": "cp1252"}}),
    "DataSection.delimiter": (TEXT.replace(",", "."), {}, {"data_keys": {"delimiter": "."}, "target": "5;n;c;y"}),
    "DataSection.decimal": (COUNTS, COMMAS, {"data_keys": {"decimal": "."}}),
    "DataSection.thousands": (COUNTS, COMMAS, {"data_keys": {"thousands": ","}}),
    "DataSection.exclude": (TEXT, {}, {"data_keys": {"exclude": {"n": [3]}}}),
    "TargetSection.task": (TEXT, {}, {"target_keys": {"task": "regression"}}),
    "TargetSection.labels": (TEXT, {}, {"target_keys": {"labels": {0: "no", 1: "yes"}}}),
    "TargetSection.positive": (TEXT, {}, {"target_keys": {"positive": 0}}),
    "TargetSection.unit": (
        COUNTS,
        {"data_keys": {"decimal": ","}},
        {"data_keys": {"decimal": ","}, "target_keys": {"unit": "m"}},
    ),
    "RareSection.below": (NAMES, {"target_keys": {"rare": {"below": 11}}}, {"target_keys": {"rare": {"below": 15}}}),
    "RareSection.into": (
        NAMES,
        {"target_keys": {"rare": {"below": 15}}},
        {"target_keys": {"rare": {"below": 15, "into": "b"}}},
    ),
    "SplitSection.holdout": (TEXT, {}, {"split": {"holdout": 0.5}}),
    "SplitSection.seed": (TEXT, {}, {"split": {"seed": 7}}),
    "FeatureSection.unit": (TEXT, {}, {"features": {"x": {"unit": "cm"}}}),
    "FeatureSection.description": (TEXT, {}, {"features": {"x": {"description": "Length"}}}),
    "FeatureSection.kind": (TEXT, {}, {"features": {"n": {"kind": "number"}}}),
    "FeatureSection.form": (
        lines("d,y", lambda row: f"0{row % 9 + 1}/0{row % 7 + 1}/2020,{row * 1.5}"),
        {"features": {"d": {"form": "%d/%m/%Y"}}},
        {"features": {"d": {"form": "%m/%d/%Y"}}},
    ),
    "FeatureSection.min": (TEXT, {}, {"features": {"n": {"min": -5}}}),
    "FeatureSection.max": (TEXT, {}, {"features": {"n": {"max": 500}}}),
    "FeatureSection.categories": (TEXT, {}, {"features": {"c": {"categories": ["NA", "b", "d", "e"]}}}),
    "FeatureSection.missing": (TEXT, {}, {"features": {"n": {"missing": True}}}),
}
DATA, EVALUATION, SEARCH = "training/data/test_", "training/evaluation/test_", "training/search/test_"
FACTS, SPACE = "training/card/test_facts.py", "training/config/test_search_space.py"
ELSEWHERE = {
    # key: the test that sees its effect
    "ModelConfig.model": ("training/config/test_config.py", "test_three_keys_are_enough"),
    "ModelConfig.budget": (f"{SEARCH}loop.py", "test_candidates_of_model_yaml_run_to_their_end_unless_it_has_a_budget"),
    "ModelConfig.calibrate": (f"{SEARCH}calibration.py", "test_candidates_that_are_named_are_calibrated_only_if_asked"),
    "ModelConfig.ensemble": (
        "training/job/test_finish.py",
        "test_candidates_that_are_named_are_averaged_only_if_asked",
    ),
    "ModelConfig.select_by": ("training/test_job.py", "test_each_metric_of_a_classification_prefers_the_better_model"),
    "DataSection.path": ("training/config/test_config.py", "test_an_absolute_data_path_is_kept"),
    "TargetSection.column": ("training/config/test_config.py", "test_three_keys_are_enough"),
    "TargetSection.rare": (f"{DATA}target.py", "class TestRareClasses"),
    "SplitSection.time": (
        f"{DATA}split_keys.py",
        "test_by_time_the_holdout_is_the_last_share_and_a_random_one_is_told",
    ),
    "SplitSection.group": (f"{DATA}split_keys.py", "test_by_group_the_class_of_a_person_cannot_be_looked_up"),
    "FeatureSection.unknown": ("inference/test_schema.py", "class TestUnknownCategories"),
    "FeatureSection.monotone": (f"{EVALUATION}behaviour.py", "class TestDirections"),
    "ValidateSection.min_rows_per_class": (f"{DATA}checks.py", "test_how_many_are_needed_can_be_set"),
    "ValidateSection.min_class_share": (f"{DATA}checks.py", "test_a_class_rarer_than_the_user_allows_fails"),
    "ValidateSection.max_missing": (f"{DATA}validation.py", "test_a_bound_that_is_written_down_fails"),
    "ValidateSection.max_duplicates": (f"{DATA}checks.py", "test_more_than_the_user_allows_fail"),
    "ValidateSection.max_overlap": (f"{DATA}checks.py", "test_more_test_rows_than_the_user_allows_fail"),
    "ValidateSection.trusted": (f"{DATA}checks.py", "test_training_uses_what_the_user_trusts"),
    "Candidate.name": (f"{SEARCH}loop.py", "test_candidates_that_were_not_reached_say_so"),
    "Candidate.estimator": (f"{SEARCH}candidates.py", "test_a_class_that_does_not_exist_is_named"),
    "Candidate.params": (f"{SEARCH}candidates.py", "test_parameters_are_passed_on"),
    "Nested.name": (f"{SEARCH}estimators.py", "test_a_list_of_estimators_gets_names"),
    "Nested.estimator": (f"{SEARCH}estimators.py", "test_the_innermost_are_what_learns"),
    "Nested.params": (f"{SEARCH}estimators.py", "test_a_seed_of_its_own_wins"),
    "Candidate.scale": (f"{SEARCH}candidates.py", "test_scaling_can_be_asked_for_and_declined"),
    "SearchSpec.strategy": (f"{SEARCH}loop.py", "test_each_finds_the_depth_that_the_table_needs"),
    "SearchSpec.parameters": (SPACE, "test_a_grid_is_every_combination"),
    "SearchSpec.iterations": (SPACE, "test_so_many_are_drawn_as_asked_for_and_none_twice"),
    "SearchSpec.factor": (SPACE, "test_a_halving_search_gives_fewer_trials_more_rows"),
    "Distribution.low": (SPACE, "test_numbers_are_within_their_ends_and_whole_where_these_are"),
    "Distribution.high": (SPACE, "test_numbers_are_within_their_ends_and_whole_where_these_are"),
    "Distribution.log": (SPACE, "test_a_logarithmic_distribution_gives_each_power_of_ten_its_share"),
    **{
        f"DecisionSection.{key}": (f"{EVALUATION}decision.py", "test_no_threshold_costs_less")
        for key in ("cost_false_negative", "cost_false_positive")
    },
    "DecisionSection.metric": (f"{EVALUATION}decision.py", "test_no_threshold_is_better_by_the_metric_that_is_named"),
    "DecisionSection.threshold": (f"{EVALUATION}decision.py", "test_a_threshold_of_the_users_own_is_kept"),
    "ConformalSection.level": (f"{EVALUATION}conformal.py", "test_a_higher_level_is_wider"),
    "EvaluationSection.slices": (f"{EVALUATION}inspection.py", "test_every_row_is_in_one_slice_of_each_column"),
    "GatesSection.max_regression": (f"{EVALUATION}gates.py", "test_it_is_refused_beyond_both"),
    "Bound.min": (f"{EVALUATION}gates.py", "test_a_gate_passes_within_its_bounds"),
    "Bound.max": (f"{EVALUATION}gates.py", "test_a_gate_passes_within_its_bounds"),
    "CardSection.title": ("training/card/test_document.py", "test_it_says_what_people_have_said"),
    **{
        f"CardSection.{key}": (FACTS, "test_it_says_what_people_have_said")
        for key in ("purpose", "not_for", "owners", "licence")
    },
    "CardSection.data": ("training/card/test_document.py", "test_it_says_what_people_have_said"),
    "CardSection.limits": (FACTS, "test_what_people_know_comes_first"),
}


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


def test_no_key_is_without_an_effect() -> None:
    schema = ModelConfig.model_json_schema()
    sections = {name: one["properties"] for name, one in schema["$defs"].items() if "properties" in one}
    del sections["S3Url"]  # written as one text
    keys = {f"{name}.{key}" for name, properties in sections.items() for key in properties}
    keys |= {f"ModelConfig.{key}" for key, one in schema["properties"].items() if is_a_value(one)}

    assert keys - {"Candidate.search"} == EFFECTS.keys() | ELSEWHERE.keys()


def is_a_value(schema: dict[str, Any]) -> bool:
    """Whether a key holds a value, rather than a section or several."""
    return not re.search(r"#/\$defs/\w+", str(schema))


@pytest.mark.parametrize(("file", "test"), sorted({*ELSEWHERE.values()}))
def test_the_test_that_is_named_is_there(file: str, test: str) -> None:
    text = (ROOT / "tests" / "unit" / file).read_text(encoding="utf-8")

    assert re.search(rf"^ *(def )?{test}\b", text, re.MULTILINE)
