"""What takes longer than a moment is told, and nothing that belongs together is cut."""

import pytest

from deploy import progress
from deploy.progress import doing, is_verbose, print_facts


def test_facts_are_a_line_each_however_long(capsys: pytest.CaptureFixture[str]) -> None:
    print_facts([("url", "https://" + "x" * 300), ("dashboard", "[none]")])

    assert capsys.readouterr().out == f"url        https://{'x' * 300}\ndashboard  [none]\n"


@pytest.mark.parametrize(("moment", "said"), [(0.0, "sam [build]: 0 s\n"), (60.0, "")])
def test_the_time_is_told_of_what_takes_more_than_a_moment(
    moment: float, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_A_MOMENT_SECONDS", moment)

    with doing("sam [build]") as say:
        say("a step")

    assert capsys.readouterr().err == said


def test_without_a_terminal_the_step_is_told_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with doing("changing skylift-dev") as say:
        say("Alias UPDATE_IN_PROGRESS")
        monkeypatch.setattr(progress, "_A_WHILE_SECONDS", 0)
        say("Alias [UPDATE_COMPLETE]")

    assert capsys.readouterr().err == "changing skylift-dev: Alias [UPDATE_COMPLETE]\n"


@pytest.mark.parametrize(("value", "verbose"), [("1", True), ("", False), (None, False)])
def test_everything_is_shown_where_it_is_asked_for(
    value: str | None, verbose: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VERBOSE", raising=False)
    if value is not None:
        monkeypatch.setenv("VERBOSE", value)

    assert is_verbose() == verbose
    with doing("sam build") as say:
        say("a step")
