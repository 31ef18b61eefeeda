"""Tables of the benchmark of models are the same on every run, and have what learning needs."""

import pytest

from benchmarks.model_tables import SAMPLES, TARGET, Sample

SMALL = [sample for sample in SAMPLES if sample.name not in {"diamonds", "letters"}]


@pytest.mark.parametrize("sample", SMALL, ids=lambda sample: sample.name)
def test_a_table_has_a_target_of_its_task_and_several_features(sample: Sample) -> None:
    frame = sample.frame()

    assert frame[TARGET].notna().all()
    assert len(frame.columns) > (1 if sample.name == "messages" else 3)
    assert {*sample.split.values()} <= {*frame.columns}
    if sample.task == "classification":
        assert frame[TARGET].value_counts().min() >= 20
    else:
        assert frame[TARGET].nunique() > 20


def test_the_same_table_is_made_again() -> None:
    sample = next(sample for sample in SAMPLES if sample.name == "merchants")

    assert sample.frame().equals(sample.frame())


def test_there_are_twelve() -> None:
    assert len({sample.name for sample in SAMPLES}) == len(SAMPLES) == 12
