"""Contracts and instances for property tests: any that training could make, and ways to break an instance."""

import json
from dataclasses import dataclass
from datetime import date
from typing import Any, get_args

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from skylift.contract import Contract, Instance, Target
from skylift.encoding import RowEncoder
from skylift.feature import Feature, Kind, Unknown
from skylift.numerals import Numerals
from skylift.values import clean
from skylift.vocabulary import Vocabulary

LARGEST = 3.4028234663852886e38

modest = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
"""Few examples, the same in every run, and no clock."""

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_NAMES = st.one_of(
    st.sampled_from(["instances", "features", "a.b", "with space", "größe", "数", "", "a[0]", '"quoted"', "null"]),
    _TEXT,
)


@st.composite
def features(draw: st.DrawFn, name: str) -> Feature:
    """A feature of any kind."""
    kind: Kind = draw(st.sampled_from(get_args(Kind)))
    required = draw(st.booleans())
    missing = draw(st.sampled_from([None, ("none of it", "-999999")]))
    if kind == "category":
        unknown: Unknown | None = draw(st.sampled_from([None, *get_args(Unknown)]))
        texts = _TEXT.map(str.strip).filter(bool) if unknown in {"missing", "other"} else _TEXT
        categories = draw(st.lists(texts, min_size=1, max_size=5, unique=True))
        return Feature(
            name=name,
            kind="category",
            required=required,
            missing=missing,
            categories=tuple(categories),
            unknown=unknown,
        )
    if kind == "datetime":
        form = draw(st.sampled_from(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z", "%d.%m.%Y", "%s"]))
        parts = draw(st.sampled_from([None, ("year",), ("month", "year_sin", "hour", "day_cos")]))
        return Feature(
            name=name,
            kind=kind,
            required=required,
            missing=missing,
            form=form,
            origin=date(2000, 1, 1),
            parts=parts,
            min=0,
            max=1,
        )
    if kind == "text":
        return Feature(
            name=name, kind=kind, required=required, missing=missing, max_length=30, directions=3, min=0, max=20
        )
    numerals = draw(st.sampled_from([None, Numerals(), Numerals(",", ".", "%")]))
    feature = Feature(name=name, kind=kind, required=required, missing=missing, numerals=numerals)
    if not feature.is_numeric:
        return feature
    low, high = sorted(draw(st.lists(st.integers(-1000, 1000), min_size=2, max_size=2)))
    return feature.model_copy(update={"min": float(low), "max": float(high)})


def row_encoder(contract: Contract) -> RowEncoder:
    """What encodes rows of any contract, free text by a vocabulary of two letters."""
    return RowEncoder(
        contract,
        {
            feature.name: Vocabulary(["a", "b"], np.ones(2, np.float32), np.ones((2, feature.width - 1), np.float32))
            for feature in contract.features
            if feature.kind == "text"
        },
    )


def anything() -> st.SearchStrategy[Any]:
    """Any JSON value, those that stand for another or for nothing above all."""
    plain = st.one_of(st.none(), st.booleans(), st.integers(-(10**40), 10**40), st.floats(), _TEXT)
    odd = st.sampled_from(["?", " na", "5,1%", "1.234 %", "12", "-1e400", "TRUE", "0", "-999999", -999999, 1, 0])
    return st.one_of(odd, plain, st.lists(plain, max_size=2), st.dictionaries(_TEXT, plain, max_size=2))


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    """A contract of one to six features."""
    names = draw(st.lists(_NAMES, min_size=1, max_size=6, unique=True))
    return Contract(
        task="regression",
        features=tuple(draw(features(name)) for name in names),
        target=Target(name="y"),
    )


def values(feature: Feature) -> st.SearchStrategy[Any]:
    """Values that a feature allows."""
    allowed: st.SearchStrategy[Any]
    match feature.kind:
        case "number":
            allowed = st.one_of(st.floats(-LARGEST, LARGEST, allow_nan=False), st.integers(-(10**30), 10**30))
        case "integer":
            allowed = st.one_of(st.integers(-(10**30), 10**30), st.integers(-(10**6), 10**6).map(float))
        case "boolean":
            allowed = st.booleans()
        case "category":
            allowed = st.sampled_from(feature.categories)
            if feature.takes_unknown:
                allowed = st.one_of(allowed, _TEXT.filter(str.strip))
        case "datetime":
            allowed = st.integers(-(10**13), 10**14).map(feature.dates[0].write)
        case "text":
            allowed = _TEXT.filter(str.strip)
    if not feature.required:
        return st.one_of(allowed, st.none())
    return allowed.filter(lambda value: clean(feature, value) is not None)  # -999999 may stand for a missing value


@st.composite
def instances(draw: st.DrawFn, contract: Contract) -> Instance:
    """A valid instance; fields that may be missing sometimes are."""
    return {
        feature.name: draw(values(feature)) for feature in contract.features if feature.required or draw(st.booleans())
    }


@dataclass(frozen=True, slots=True)
class Broken:
    """A body that breaks a contract, and how."""

    body: bytes
    how: str


@st.composite
def broken_bodies(draw: st.DrawFn, contract: Contract) -> Broken:
    """A body that was valid until one thing about it changed."""
    instance: dict[str, Any] = dict(draw(instances(contract)))
    feature = draw(st.sampled_from(contract.features))
    how = draw(st.sampled_from(["unknown field", "wrong type", "missing field", "cut", "wrong length", "wrong shape"]))
    match how:
        case "unknown field":
            names = {known.name for known in contract.features} | {"instances", "features"}
            instance[draw(_TEXT.filter(lambda name: not {name, name.strip()} & names))] = 1
        case "wrong type":
            instance[feature.name] = draw(st.sampled_from(_wrong_values(feature)))
        case "missing field":
            if not feature.required:
                instance[feature.name] = []
            else:
                instance.pop(feature.name, None)
        case "cut":
            whole = json.dumps({"instances": [instance]}).encode()
            return Broken(whole[: draw(st.integers(0, len(whole) - 1))], how)
        case "wrong length":
            length = draw(st.integers(0, 8).filter(lambda size: size != len(contract.features)))
            return Broken(json.dumps({"features": [0] * length}).encode(), how)
        case "wrong shape":
            shape: object = draw(
                st.sampled_from([[], {"instances": []}, {"instances": [1]}, {"instances": [None]}, 1, "x", None])
            )
            return Broken(json.dumps(shape).encode(), how)
    return Broken(json.dumps({"instances": [instance]}).encode(), how)


def _wrong_values(feature: Feature) -> list[Any]:
    always: list[Any] = [[], {}, [1], {"a": 1}, float("nan"), float("inf"), -float("inf"), 10**400]
    match feature.kind:
        case "number":
            return [*always, "much", True, False, 1e39, -1e300]
        case "integer":
            return [*always, "much", True, False, 1.5, 1e39, -1e300]
        case "boolean":
            return [*always, "maybe", 0, 1, 1.0]
        case "category":
            unknown = [] if feature.takes_unknown else ["".join(feature.categories) + "?"]
            return [*always, *unknown, True, 0, 1.5]
        case "datetime":
            wrong = ["2023-02-30", "2023-12-3", "0000-01-01", "10000-01-01", "2016-12-31T23:59:60", "soon", "9" * 2**20]
            return [*always, *wrong, True, 0, 1.5]
        case "text":
            return [*always, "long " * 2**18, " " * 31, True, 0, 1.5]
