"""The stack that the tests of this folder look at."""

import pytest

from tests.support.templates import Stack, stack_of


@pytest.fixture(scope="session")
def stack() -> Stack:
    """template.yaml with its default parameters."""
    return stack_of()
