"""Words for people: the log has them always, the topic if there is one."""

import json

import pytest

from skylift.errors import AwsUnavailable
from skylift.notify import Notifier
from tests.support.faults import before, denied, fails_with
from tests.support.topics import create_topic, published, shared_sns

TEXT = "line one\nline two"


@pytest.fixture
def topic(aws: None) -> str:
    """ARN of a topic."""
    return create_topic()


def test_the_topic_gets_subject_and_text(topic: str) -> None:
    Notifier(topic, client=shared_sns()).send("iris: went back to v1", TEXT)

    assert published(topic) == [("iris: went back to v1", TEXT)]


@pytest.mark.parametrize(
    ("subject", "arrives"),
    [("x" * 200, "x" * 100), ("two\nlines", "two?lines"), ("zurück", "zur?ck")],
    ids=["long", "lines", "letters"],
)
def test_a_subject_is_made_one_that_the_topic_takes(topic: str, subject: str, arrives: str) -> None:
    Notifier(topic, client=shared_sns()).send(subject, TEXT)

    assert published(topic) == [(arrives, TEXT)]


def test_without_a_topic_the_log_has_it(aws: None, capsys: pytest.CaptureFixture[str]) -> None:
    Notifier("", client=shared_sns()).send("iris: went back to v1", TEXT)

    line = json.loads(capsys.readouterr().out)
    assert (line["level"], line["message"], line["text"]) == ("WARNING", "iris: went back to v1", TEXT)


def test_what_the_topic_refuses_is_in_the_log_and_an_error(topic: str, capsys: pytest.CaptureFixture[str]) -> None:
    client = shared_sns()
    before(client, "Publish", fails_with(denied("AuthorizationError")))

    with pytest.raises(AwsUnavailable, match=f"notifying {topic} failed"):
        Notifier(topic, client=client).send("iris: went back to v1", TEXT)

    assert json.loads(capsys.readouterr().out)["text"] == TEXT
