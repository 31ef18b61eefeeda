"""A route is named after its endpoint."""

import pytest

from inference.route import Route


@pytest.mark.parametrize(("name", "operation"), [("health", "health"), ("model_card_page", "modelCardPage")])
def test_an_operation_has_the_endpoints_name_in_camel_case(name: str, operation: str) -> None:
    async def endpoint() -> None:
        """Answer nothing."""

    endpoint.__name__ = name

    assert Route("/", endpoint, "A summary").operation_id == operation  # type: ignore[arg-type]
