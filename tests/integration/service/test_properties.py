"""Whatever a caller sends to a trained table: valid instances are served, and nothing is ever a 5xx."""

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skylift.contract import Contract
from tests.support.asgi_client import HttpClient
from tests.support.contracts import Broken, broken_bodies, instances, modest

if TYPE_CHECKING:
    from collections.abc import Callable

_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=10)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["instances", "features", "size", "rooms", "area", "lift", "x"]), inner),
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def contract(mixed: HttpClient) -> Contract:
    """The active contract, as the service tells it."""
    return Contract.model_validate(mixed.get("/model-info").json()["contract"])


@modest
@given(data=st.data())
def test_any_valid_instances_are_served(mixed: HttpClient, contract: Contract, data: st.DataObject) -> None:
    sent = data.draw(st.lists(instances(contract), min_size=1, max_size=4))

    response = mixed.predict({"instances": sent})

    assert response.status_code == 200, response.text
    assert len(response.json()["predictions"]) == len(sent)


@modest
@given(data=st.data())
def test_any_broken_body_is_refused(mixed: HttpClient, contract: Contract, data: st.DataObject) -> None:
    broken: Broken = data.draw(broken_bodies(contract))

    assert mixed.post(broken.body).status_code in {400, 413, 422}


@modest
@given(body=st.binary(max_size=80))
def test_any_bytes_are_refused(mixed: HttpClient, body: bytes) -> None:
    assert mixed.post(body).status_code in {400, 422}


@modest
@given(document=_JSON)
def test_any_json_is_served_or_refused(mixed: HttpClient, document: Any) -> None:
    assert mixed.post(json.dumps(document)).status_code in {200, 400, 413, 422}


@modest
@given(method=st.sampled_from(["GET", "POST", "PUT", "HEAD"]), path=st.text(st.characters(codec="ascii"), max_size=20))
def test_any_path_is_answered_below_500(mixed: HttpClient, method: str, path: str) -> None:
    from urllib.parse import quote

    assert mixed.request(method, "/" + quote(path)).status_code < 500


@modest
@given(changes=st.permutations(["size", "rooms", "area", "lift"]))
def test_the_order_of_fields_does_not_matter(mixed: HttpClient, changes: list[str]) -> None:
    flat = {"size": 30.5, "rooms": 2, "area": "south", "lift": True}
    reordered = {name: flat[name] for name in changes}
    ask: Callable[[object], Any] = lambda body: mixed.predict(body).json()["predictions"]  # noqa: E731

    assert ask(reordered) == ask(flat)
