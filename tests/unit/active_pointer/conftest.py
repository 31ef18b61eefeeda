"""CloudFormation's side of the address in its events."""

from collections.abc import Iterator
from threading import Thread

import pytest

from tests.support.cloudformation_answers import CloudFormationAnswers


@pytest.fixture
def cloudformation() -> Iterator[CloudFormationAnswers]:
    """A server that takes answers."""
    place = CloudFormationAnswers()
    thread = Thread(target=place.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield place
    place.server.shutdown()
    thread.join()
    place.server.server_close()
