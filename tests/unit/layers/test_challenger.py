"""The challenger's parameter: one line of JSON that is read strictly, or `none`."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from skylift.challenger import Challenger, challenger_name
from skylift.errors import InvalidChallenger
from skylift.references import Reference

DOCUMENT: dict[str, Any] = {
    "id": "v8-20261126T0200",
    "reference": "v8@sha256:" + "a" * 64,
    "mode": "canary",
    "percent": 5,
    "key": "header:X-User-Id",
    "started": "2026-11-26T02:00:00Z",
    "by": "arn:aws:iam::123456789012:user/anna",
}


def test_it_stands_beside_the_pointer() -> None:
    assert challenger_name("prod", "iris") == "/skylift/prod/iris/challenger"


def test_none_names_no_challenger() -> None:
    assert Challenger.parse("none") is None


def test_a_challenger_is_read_and_written_as_the_same_document() -> None:
    challenger = Challenger.parse(json.dumps(DOCUMENT))

    assert challenger is not None
    assert challenger.reference == Reference(8, "a" * 64)
    assert (challenger.mode, challenger.percent) == ("canary", 5.0)
    assert challenger.started == datetime(2026, 11, 26, 2, tzinfo=UTC)
    assert json.loads(str(challenger)) == DOCUMENT
    assert Challenger.parse(str(challenger)) == challenger


def test_without_a_key_routing_follows_the_request() -> None:
    challenger = Challenger.parse(json.dumps({name: DOCUMENT[name] for name in DOCUMENT if name != "key"}))

    assert challenger is not None
    assert challenger.key == "request"


@pytest.mark.parametrize(
    "change",
    [
        {"id": "../v8"},
        {"id": "v8\n"},
        {"id": ""},
        {"reference": "v8"},
        {"reference": 8},
        {"mode": "blue"},
        {"percent": "5"},
        {"percent": 100.1},
        {"percent": -1},
        {"percent": True},
        {"percent": None},
        {"key": "header:"},
        {"key": "header:a b"},
        {"key": "cookie"},
        {"started": "2026-11-26T02:00:00"},
        {"started": "yesterday"},
        {"by": ""},
        {"weight": 1},
    ],
    ids=str,
)
def test_anything_else_is_refused_with_the_field(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidChallenger, match=next(iter(change))) as caught:
        Challenger.parse(json.dumps(DOCUMENT | change))

    assert "skylift challenge" in caught.value.hint


@pytest.mark.parametrize("missing", ["id", "reference", "mode", "percent", "started", "by"])
def test_a_member_that_lacks_is_named(missing: str) -> None:
    with pytest.raises(InvalidChallenger, match=f"{missing}: missing"):
        Challenger.parse(json.dumps({name: DOCUMENT[name] for name in DOCUMENT if name != missing}))


@pytest.mark.parametrize("text", ["", "None", "[]", "{", "v8@sha256:" + "a" * 64, '{"percent": NaN}'])
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidChallenger):
        Challenger.parse(text)


@pytest.mark.parametrize(
    ("key", "expected"),
    [("request", "r1"), ("caller", "anna"), ("header:X-User-Id", "u7"), ("header:x-other", "r1")],
)
def test_the_key_of_a_request_is_what_the_parameter_names(key: str, expected: str) -> None:
    challenger = Challenger.parse(json.dumps(DOCUMENT | {"key": key}))

    assert challenger is not None
    assert challenger.key_of("r1", "anna", {"x-user-id": "u7"}) == expected


def test_a_caller_who_did_not_sign_is_routed_by_the_request() -> None:
    challenger = Challenger.parse(json.dumps(DOCUMENT | {"key": "caller"}))

    assert challenger is not None
    assert challenger.key_of("r1", None, {}) == "r1"


@pytest.mark.parametrize(
    ("key", "header"), [("header:X-User-Id", "x-user-id"), ("caller", None), ("request", None)], ids=str
)
def test_it_names_the_header_that_routing_follows(key: str, header: str | None) -> None:
    challenger = Challenger.parse(json.dumps(DOCUMENT | {"key": key}))

    assert challenger is not None
    assert challenger.header == header
