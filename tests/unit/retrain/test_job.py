"""Training as a process: whatever becomes of it, the outcome is kept, and a version is made once."""

import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from retrain.job import Job
from skylift.retraining.outcome import Outcome
from skylift.retraining.state import Retraining
from tests.conftest import BUCKET
from tests.support.retraining import Retrainings, job_of

TELLS = """told.write_text(json.dumps({"outcome": "refused", "model": "iris", "gates": [
    {"metric": "accuracy", "min": 0.9, "value": 0.5, "passed": False}],
    "problem": {"code": "gate-failed", "message": "gate failed"}}))"""


@pytest.fixture
def retraining(retrainings: Retrainings) -> Retraining:
    retrainings.ask()
    retrainings.snapshots.take("one", retrainings.now())
    return retrainings.store.read("one")


@pytest.fixture
def job(retrainings: Retrainings, tmp_path: Path) -> Callable[..., Job]:
    def make(*lines: str) -> Job:
        return Job(
            retrainings.store,
            retrainings.versions,
            retrainings.snapshots,
            bucket=retrainings.bucket,
            command=job_of(tmp_path, *lines),
        )

    return make


def problem(outcome: Outcome) -> tuple[str, str]:
    assert outcome.problem is not None
    return outcome.problem.code, outcome.problem.message


def test_what_it_tells_is_kept(job: Callable[..., Job], retraining: Retraining) -> None:
    told = job(TELLS, "sys.exit(1)")

    outcome = told.run(retraining, 60)

    assert problem(outcome) == ("gate-failed", "gate failed")
    assert told.outcome(retraining) == outcome


def test_the_card_of_a_refused_model_is_kept(
    job: Callable[..., Job], retraining: Retraining, retrainings: Retrainings
) -> None:
    job(TELLS, "card.write_text('<p>refused')").run(retraining, 60)

    assert retrainings.bucket.read("retrains/iris/one/card.html", limit=100) == b"<p>refused"


def test_it_gets_the_data_of_the_snapshot_and_the_id(
    job: Callable[..., Job], retrainings: Retrainings, put: Callable[[str, str], None]
) -> None:
    put("2026/a.csv", "x\n1\n")
    retrainings.ask()
    retrainings.snapshots.take("one", retrainings.now())
    says = 'print("data:", (data / "2026/a.csv").read_text(), sys.argv[sys.argv.index("--retraining") + 1])'

    outcome = job(says, "sys.exit(7)").run(retrainings.store.read("one"), 60)

    assert problem(outcome) == (
        "training-died",
        "training ended with code 7 and told nothing more than: data: x | 1 | one",
    )


def test_without_data_it_has_the_table_of_the_configuration(job: Callable[..., Job], retraining: Retraining) -> None:
    outcome = job("print('--data' in sys.argv)").run(retraining, 60)

    assert problem(outcome)[1].endswith("False")


def test_its_lines_are_in_the_log(
    job: Callable[..., Job], retraining: Retraining, capfd: pytest.CaptureFixture[str]
) -> None:
    job("print('fit 1 of 9', file=sys.stderr)").run(retraining, 60)

    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines() if "fit 1 of 9" in line]
    assert [(line["retraining"], line["line"]) for line in lines] == [("one", "fit 1 of 9")]


def test_one_that_takes_too_long_is_ended_with_its_processes(
    job: Callable[..., Job], retraining: Retraining, tmp_path: Path
) -> None:
    child = tmp_path / "child"
    start = "import subprocess; child = subprocess.Popen(['sleep', '60'])"

    outcome = job(start, f"pathlib.Path({str(child)!r}).write_text(str(child.pid))", "time.sleep(60)").run(
        retraining, 2
    )

    assert problem(outcome)[0] == "training-timeout"
    pid = int(child.read_text())
    state = Path(f"/proc/{pid}/stat")
    assert not state.exists() or state.read_text().split()[2] in "ZX"


def test_one_that_is_killed_had_too_little_memory(job: Callable[..., Job], retraining: Retraining) -> None:
    outcome = job("os.kill(os.getpid(), 9)").run(retraining, 60)

    assert problem(outcome)[0] == "training-memory"


def test_a_report_that_breaks_off_is_a_failure(job: Callable[..., Job], retraining: Retraining) -> None:
    outcome = job("told.write_text('{')", "sys.exit(3)").run(retraining, 60)

    assert problem(outcome) == ("training-died", "training ended with code 3 amid its report")


def test_a_version_that_it_published_before_counts_and_nothing_is_trained(
    job: Callable[..., Job], retraining: Retraining, retrainings: Retrainings
) -> None:
    published = retrainings.job._run("one", 60)

    again = job("raise SystemExit('never')").run(retraining, 60)

    assert again.reference == published.reference
    assert again.gates == published.gates


def test_one_that_dies_after_publishing_has_published(
    job: Callable[..., Job], retraining: Retraining, retrainings: Retrainings, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying = job("sys.exit(1)")
    trained = dying._trained
    monkeypatch.setattr(dying, "_trained", lambda *arguments: (retrainings.job._run("one", 60), trained(*arguments))[1])

    assert dying.run(retraining, 60).outcome == "published"


def test_versions_of_others_are_not_its_own(
    job: Callable[..., Job], retraining: Retraining, retrainings: Retrainings
) -> None:
    retrainings.job._run("another", 60)
    retrainings.bucket.write("models/iris/v1/manifest.json", b"{", content_type="application/json")
    retrainings.job._run("a-third", 60)

    assert job("sys.exit(1)").run(retraining, 60).outcome == "failed"


def test_older_versions_are_not_looked_at(retrainings: Retrainings, job: Callable[..., Job]) -> None:
    retrainings.job._run("one", 60)
    later = Retraining(
        model="iris",
        request=retrainings.ask(),
        started=retrainings.now() + timedelta(hours=1),
        updated=retrainings.now(),
    )
    retrainings.snapshots.take("one", retrainings.now())
    retrainings.job._run("another", 60)

    assert job("sys.exit(1)").outcome(later) is None


def test_data_that_is_gone_is_a_refusal(
    job: Callable[..., Job], retrainings: Retrainings, put: Callable[[str, str], None]
) -> None:
    put("a.csv", "x\n1\n")
    retrainings.ask()
    retrainings.snapshots.take("one", retrainings.now())
    put("a.csv", "x\n2\n")

    outcome = job("sys.exit(0)").run(retrainings.store.read("one"), 60)

    assert outcome.outcome == "refused"
    assert "data/iris/a.csv is not what it was" in problem(outcome)[1]


@pytest.mark.skipif(os.name != "posix", reason="a process group")
def test_the_command_is_the_command_line_of_training() -> None:
    from retrain.job import COMMAND

    assert COMMAND[1:] == ("-m", "training.cli", "train")
    assert BUCKET
