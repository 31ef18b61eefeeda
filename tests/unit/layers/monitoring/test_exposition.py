"""The names that Prometheus reads, and their text form as Prometheus' own parser sees it."""

import math

import pytest
from prometheus_client.parser import text_string_to_metric_families

from skylift.monitoring.exposition import (
    ACCURACY,
    DRIFT,
    DRIFTED_FEATURES,
    FAMILIES,
    MEMORY,
    PREDICTION_ERRORS,
    PREDICTION_SECONDS,
    PREDICTIONS,
    SECONDS,
    Sample,
    exposition,
    histogram,
    samples_of,
)
from tests.support.drift_reports import counted, report

LABELS = {"model", "version", "method", "route", "status", "reason"}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_metric_is_named_as_prometheus_recommends_and_has_no_label_of_its_own(family: object) -> None:
    assert isinstance(family, type(PREDICTIONS))
    assert (family.kind == "counter") == family.name.endswith("_total")
    assert (family.kind == "histogram") == family.name.endswith("_duration_seconds")
    assert set(family.labels) <= LABELS


def test_samples_of_one_metric_stand_together_under_its_words() -> None:
    of = {"model": "iris", "version": "v7"}
    later = of | {"version": "v8"}
    text = exposition([Sample(PREDICTIONS, of, 3), Sample(MEMORY, {}, 0.5), Sample(PREDICTIONS, later, 1)])

    first, second = text_string_to_metric_families(text)
    assert (first.documentation, first.type) == (PREDICTIONS.words, "counter")
    assert [(sample.labels["version"], sample.value) for sample in first.samples] == [("v7", 3), ("v8", 1)]
    assert [(sample.labels, sample.value) for sample in second.samples] == [({}, 0.5)]


@pytest.mark.parametrize("value", [0.0, -1.0, 1e300, 0.1, math.inf, -math.inf, math.nan, 2.0**60])
def test_a_value_is_read_as_it_was_written(value: float) -> None:
    (family,) = text_string_to_metric_families(exposition([Sample(MEMORY, {}, value)]))

    assert family.samples[0].value == pytest.approx(value, rel=0, abs=0, nan_ok=True)


@pytest.mark.parametrize("text", ['a"b', "a\\b", "a\nb", "a\\nb", "é,{}="])
def test_a_label_is_read_as_it_was_written(text: str) -> None:
    labels = {"model": text, "version": "v7", "reason": text}

    (family,) = text_string_to_metric_families(exposition([Sample(PREDICTION_ERRORS, labels, 1)]))

    assert family.samples[0].labels == labels


def test_a_histogram_has_a_bucket_for_each_bound_and_one_for_all() -> None:
    within = [float(number) for number in range(len(SECONDS))]

    (family,) = text_string_to_metric_families(
        exposition(histogram(PREDICTION_SECONDS, {"model": "iris", "version": "v7"}, within, count=20, total=1.5))
    )

    assert family.type == "histogram"
    buckets = {float(sample.labels["le"]): sample.value for sample in family.samples if "le" in sample.labels}
    assert buckets == {**dict(zip(SECONDS, within, strict=True)), math.inf: 20}
    assert [(sample.name[-6:], sample.value) for sample in family.samples[-2:]] == [("ds_sum", 1.5), ("_count", 20)]


class TestReport:
    def test_a_drifting_window_is_told_with_its_features_and_its_expected_accuracy(self) -> None:
        samples = samples_of(report({"v7": counted(500, longer_petals=1.5)}))

        of = {"model": "iris", "version": "v7"}
        assert samples[:2] == [Sample(DRIFT, of, 1), Sample(DRIFTED_FEATURES, of, 1)]
        (accuracy,) = samples[2:]
        assert (accuracy.family, accuracy.labels) == (ACCURACY, of | {"status": "expected"})
        assert 0.5 < accuracy.value < 1

    def test_a_stable_window_does_not_drift(self) -> None:
        assert [sample.value for sample in samples_of(report({"v7": counted(500)}))[:2]] == [0, 0]

    def test_an_error_of_a_regression_has_another_meaning_and_is_left_out(self) -> None:
        found = report({"v7": counted(500)})
        assert found.expected is not None
        found = found.model_copy(update={"expected": found.expected.model_copy(update={"metric": "mae"})})

        assert ACCURACY not in [sample.family for sample in samples_of(found)]
