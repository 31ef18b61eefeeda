"""What the tests of commands have in common."""

import pytest


@pytest.fixture(autouse=True)
def models_are_loaded_here(loaded_in_this_process: None) -> None:
    """Load models in the process of the test; the tests of imports run commands as they are."""
