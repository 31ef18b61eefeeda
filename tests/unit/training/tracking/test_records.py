"""Where a training was recorded, in words that give no password away."""

import pytest

from training.tracking.records import Tracked, without_password


@pytest.mark.parametrize(
    ("registered", "text"),
    [
        ("dev.iris version 3", "run r1, dev.iris version 3 in http://mlflow.example"),
        (None, "run r1 in http://mlflow.example"),
    ],
)
def test_a_training_is_named_by_its_run_and_its_model_version(registered: str | None, text: str) -> None:
    assert str(Tracked("http://mlflow.example", "r1", registered)) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://ada:secret@mlflow.example/a@b", "https://mlflow.example/a@b"),
        ("GET http://token@one and ftp://a:b@two failed", "GET http://one and ftp://two failed"),
        ("sqlite:////home/ada@work/mlflow.db", "sqlite:////home/ada@work/mlflow.db"),
        ("write to ada@example.org", "write to ada@example.org"),
    ],
)
def test_urls_are_shown_without_who_uses_them(text: str, shown: str) -> None:
    assert without_password(text) == shown
