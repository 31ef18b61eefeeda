"""The manifest: it reads back as it was written, and refuses what it cannot read."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from skylift.contract import ClassName, Contract, Target
from skylift.errors import IntegrityError
from skylift.feature import Feature, Scalar
from skylift.manifest import Golden, Manifest, Prediction, reference_to
from skylift.metrics import LeaderboardEntry, Metrics
from skylift.references import sha256
from tests.support.manifests import FLOWERS, manifest
from tests.support.paths import ROOT

SETOSA = Prediction(label="setosa", probabilities={"setosa": 1.0, "virginica": 0.0})


def _again(written: Manifest) -> Manifest:
    return Manifest.from_bytes(written.to_bytes(), source="the manifest of v1")


def _stored(**changes: Any) -> bytes:
    return json.dumps(json.loads(manifest().to_bytes()) | changes).encode()


def test_a_manifest_reads_back_as_it_was_written() -> None:
    assert _again(manifest()) == manifest()


def test_the_same_manifest_always_gives_the_same_bytes() -> None:
    assert _again(manifest()).to_bytes() == manifest().to_bytes()


def test_stored_bytes_are_a_text_file_that_people_can_read() -> None:
    lines = manifest().to_bytes().decode().splitlines(keepends=True)

    assert lines[1] == '  "schema_version": 1,\n'
    assert lines[-1] == "}\n"


def test_a_parameter_that_is_none_is_kept() -> None:
    entry = LeaderboardEntry(
        candidate="tree", estimator="m.Tree", params={"max_depth": None, "grid": [1, None]}, scores={}
    )

    assert _again(manifest(leaderboard=(entry,))).leaderboard == (entry,)


def test_a_missing_value_of_a_golden_request_is_kept() -> None:
    golden = Golden(instances=({"petal_length": None},), predictions=(SETOSA,))

    assert _again(manifest(golden=golden)).golden == golden


@pytest.mark.parametrize("value", [5, 5.0, True, "5", 1e-9, 2**53 + 1])
def test_values_keep_their_type(value: Scalar) -> None:
    golden = Golden(instances=({"x": value},), predictions=(SETOSA,))

    read = _again(manifest(golden=golden)).golden.instances[0]["x"]

    assert (type(read), read) == (type(value), value)


@pytest.mark.parametrize("label", [False, True, 0, 1, "0", "setosa"])
def test_labels_keep_their_type(label: ClassName) -> None:
    golden = Golden(instances=({"petal_length": 1.4},), predictions=(Prediction(label=label),))

    read = _again(manifest(golden=golden)).golden.predictions[0].label

    assert (type(read), read) == (type(label), label)


def test_a_probability_is_kept_to_the_last_bit() -> None:
    exact = Prediction(label="setosa", probabilities={"setosa": 0.1 + 0.2, "virginica": math.nextafter(0.7, 0)})
    golden = Golden(instances=({"petal_length": 1.4},), predictions=(exact,))

    assert _again(manifest(golden=golden)).golden.predictions == (exact,)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_metric_that_is_not_a_finite_number_does_not_make_the_manifest_unreadable(value: float) -> None:
    written = manifest(metrics=Metrics(cross_validated={}, holdout={"r2": value}))

    assert _again(written).metrics.holdout["r2"] == pytest.approx(value, nan_ok=True)


def test_a_number_that_is_not_finite_is_stored_as_valid_json() -> None:
    stored = manifest(metrics=Metrics(cross_validated={}, holdout={"r2": math.nan})).to_bytes()

    json.loads(stored, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_text_outside_ascii_is_kept() -> None:
    feature = Feature(name="größe", kind="number", unit="µm", description="花びら")
    contract = Contract(task="regression", features=(feature,), target=Target(name="preis", unit="€"))

    assert _again(manifest(contract=contract)).contract == contract


def test_keys_that_a_later_release_adds_are_ignored() -> None:
    assert Manifest.from_bytes(_stored(added_later={"x": 1}), source="it") == manifest()


UNREADABLE = {
    "empty": b"",
    "truncated": manifest().to_bytes()[:-200],
    "not JSON": b"<html>Service Unavailable</html>",
    "not UTF-8": b"\xff\xfe{}",
    "null": b"null",
    "a list": b"[]",
    "an empty object": b"{}",
    "a pickle": b"\x80\x04K\x07.",
    "a newer schema": _stored(schema_version=2),
    "an older schema": _stored(schema_version=0),
    "no artifacts": _stored(artifacts=None),
    "a digest that is none": _stored(artifacts={"model.joblib": {"sha256": "abc", "bytes": 3}}),
    "an incoherent contract": _stored(contract=FLOWERS.model_dump(mode="json") | {"features": []}),
    "no golden request": _stored(golden={"instances": [], "predictions": []}),
    "a golden request without its answer": _stored(golden={"instances": [{"x": 1}], "predictions": []}),
}


@pytest.mark.parametrize("data", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_bytes_that_are_not_a_manifest_are_refused(data: bytes) -> None:
    with pytest.raises(IntegrityError, match="the manifest of v7 cannot be read: ") as caught:
        Manifest.from_bytes(data, source="the manifest of v7")

    assert caught.value.hint == "publish the version again, or upgrade Skylift"


def test_the_refusal_of_a_newer_schema_names_the_place() -> None:
    with pytest.raises(IntegrityError, match="schema_version"):
        Manifest.from_bytes(_stored(schema_version=2), source="it")


def test_the_refusal_does_not_repeat_what_was_stored() -> None:
    with pytest.raises(IntegrityError) as caught:
        Manifest.from_bytes(_stored(selected={"password": "hunter2"}), source="it")

    assert "hunter2" not in str(caught.value)


def test_a_manifest_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        manifest().version = 2  # type: ignore[misc]


def test_a_manifest_names_its_version() -> None:
    assert manifest(12).name == "v12"


def test_a_reference_pins_the_stored_bytes() -> None:
    stored = manifest(7).to_bytes()

    assert str(reference_to(7, stored)) == f"v7@sha256:{sha256(stored)}"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tests" / "fixtures" / "manifests").glob("*.json")), ids=lambda path: path.name
)
def test_a_manifest_that_an_older_release_stored_still_reads(path: Path) -> None:
    read = Manifest.from_bytes(path.read_bytes(), source=path.name)

    assert read.metrics.per_class[0].roc_auc is None
    assert read.metrics.intervals == {}
    assert read.metrics.holdout["accuracy"] > 0.9
