"""What `skylift train --json` tells programs: of a version, of a refusal with its card, of a failure."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from skylift.bucket import Bucket
from skylift.monitoring.label_store import LabelStore
from skylift.monitoring.labels import Label
from skylift.registry import Registry
from skylift.retraining.outcome import Outcome
from tests.conftest import BUCKET
from tests.support.commands import done, refused, skylift
from tests.support.faults import before, fails_with, throttled
from tests.support.log_lines import answered
from tests.support.tables import TREE, lines, write_project
from training.cli import app as app_module

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

TABLE = lines("x,n,y", lambda number: f"{number},{number % 7},{'abcd'[number // 30]}", count=120)


@pytest.fixture(autouse=True)
def _lives_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A retraining ends with its stdin, and here that is the end of the tests."""
    monkeypatch.setattr(app_module, "end_with_stdin", lambda: None)


@pytest.fixture
def outcome_file(tmp_path: Path) -> Path:
    return tmp_path / "outcome.json"


def told(path: Path) -> Outcome:
    return Outcome.model_validate_json(path.read_bytes())


def test_a_version_has_its_reference_its_gates_and_its_card(
    tmp_path: Path, registry: Registry, outcome_file: Path
) -> None:
    card = tmp_path / "card.html"
    config = write_project(tmp_path, TABLE, select_by="accuracy", candidates=[TREE], gates={"accuracy": {"min": 0.5}})

    text = done("train", "--config", config, "--json", outcome_file, "--card", card)

    outcome, version = told(outcome_file), registry.version("v1")
    assert (outcome.outcome, outcome.model) == ("published", version.manifest.model)
    assert outcome.reference == str(version.reference)
    assert outcome.gates == version.manifest.gates
    assert outcome.data_sha256 == version.manifest.lineage.data_sha256
    assert outcome.problem is None
    assert card.read_bytes() == registry.artifact(version, "card.html")
    assert "Make it live" in text


def test_it_is_printed_instead_of_the_tables(tmp_path: Path, registry: Registry) -> None:
    config = write_project(tmp_path, TABLE, select_by="accuracy", candidates=[TREE])

    printed = done("train", "--config", config, "--json", "-")

    assert Outcome.model_validate_json(printed).reference == str(registry.version("v1").reference)


def test_a_refused_model_has_its_gates_and_its_card(tmp_path: Path, registry: Registry, outcome_file: Path) -> None:
    card = tmp_path / "card.html"
    config = write_project(tmp_path, TABLE, select_by="accuracy", candidates=[TREE], gates={"log_loss": {"max": -1}})

    refused("train", "--config", config, "--json", outcome_file, "--card", card)

    outcome = told(outcome_file)
    assert (outcome.outcome, outcome.reference) == ("refused", None)
    assert outcome.problem is not None
    assert outcome.problem.code == "gate-failed"
    assert [gate.metric for gate in outcome.gates if not gate.passed] == ["log_loss"]
    assert b"<html" in card.read_bytes()
    assert registry.versions() == []


def test_a_table_that_cannot_be_used_is_a_refusal_too(tmp_path: Path, registry: Registry, outcome_file: Path) -> None:
    config = write_project(tmp_path, "x,y\n1,a\n2,b\n", select_by="accuracy", candidates=[TREE])

    refused("train", "--config", config, "--json", outcome_file)

    outcome = told(outcome_file)
    assert outcome.outcome == "refused"
    assert outcome.problem is not None
    assert outcome.problem.code == "data-error"


def test_a_failure_of_aws_is_none(
    tmp_path: Path, registry: Registry, outcome_file: Path, s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write_project(tmp_path, TABLE, select_by="accuracy", candidates=[TREE])
    monkeypatch.setattr("skylift.registry.s3_client", lambda: s3)
    before(s3, "PutObject", fails_with(throttled()))

    refused("train", "--config", config, "--json", outcome_file)

    outcome = told(outcome_file)
    assert outcome.outcome == "failed"
    assert outcome.problem is not None
    assert outcome.problem.code == "aws-throttled"
    assert outcome.gates


def test_a_wrong_configuration_is_a_failure(tmp_path: Path, outcome_file: Path) -> None:
    refused("train", "--config", tmp_path / "absent.yaml", "--json", outcome_file)

    assert (told(outcome_file).outcome, told(outcome_file).model) == ("failed", None)


def test_other_data_may_be_named_and_the_version_names_the_retraining(tmp_path: Path, registry: Registry) -> None:
    config = write_project(tmp_path, "x,y\n", select_by="accuracy", candidates=[TREE])
    folder = tmp_path / "new"
    folder.mkdir()
    rows = TABLE.splitlines()
    (folder / "a.csv").write_text("\n".join(rows[:60]) + "\n")
    (folder / "b.csv").write_text("\n".join([rows[0], *rows[60:]]) + "\n")

    done("train", "--config", config, "--data", folder, "--retraining", "data-20261126t0430")

    lineage = registry.version("v1").manifest.lineage
    assert lineage.data_rows == 120
    assert lineage.retraining == "data-20261126t0430"


def test_other_data_may_be_in_s3(tmp_path: Path, registry: Registry, s3: "S3Client") -> None:
    config = write_project(tmp_path, "x,y\n", select_by="accuracy", candidates=[TREE])
    s3.put_object(Bucket=BUCKET, Key="data/new.csv", Body=TABLE.encode())

    done("train", "--config", config, "--data", f"s3://{BUCKET}/data/new.csv")

    assert registry.version("v1").manifest.lineage.data_rows == 120


def test_a_folder_tells_of_itself(tmp_path: Path) -> None:
    config = write_project(tmp_path, TABLE, select_by="accuracy", candidates=[TREE])

    result = skylift("train", "--config", config, "--output", tmp_path / "version", "--json", "-")

    assert result.exit_code == 2
    assert "a folder holds both already" in " ".join(result.stderr.split()).replace("│ ", "")


class TestLabelledTraffic:
    @pytest.fixture
    def config(self, tmp_path: Path, registry: Registry) -> Path:
        """A model whose first version is active."""
        config = write_project(tmp_path, TABLE, select_by="accuracy", candidates=[TREE])
        done("train", "--config", config)
        done("promote", "v1", "--config", config)
        return config

    @pytest.fixture
    def sent(self, tmp_path: Path, s3: "S3Client", monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
        """Requests that are captured, and labels as the first table has them."""

        def sent(count: int) -> None:
            log, now = tmp_path / "service.log", datetime.now(UTC)
            names, numbers = [f"{number:016}" for number in range(count)], [number * 3 for number in range(count)]
            rows = [{"x": number, "n": number % 7} for number in numbers]
            lines = [
                answered(name, None, at=now.isoformat(), answers=[0], rows=[row])
                for name, row in zip(names, rows, strict=True)
            ]
            log.write_text("\n".join(lines) + "\n")
            told = [Label(name, 0, "abcd"[number // 30], now) for name, number in zip(names, numbers, strict=True)]
            LabelStore(Bucket(BUCKET, client=s3), "iris").keep(b"told", told, now - timedelta(minutes=1))
            monkeypatch.setenv("SKYLIFT_SERVICE_LOG", str(log))

        return sent

    def test_a_retraining_is_compared_on_it(
        self, config: Path, sent: Callable[[int], None], outcome_file: Path
    ) -> None:
        sent(40)

        done("train", "--config", config, "--json", outcome_file, "--retraining", "one")

        assert details(outcome_file) == [
            "not more than 0.05 below the active v1 (1.0000) on 40 labelled rows of traffic"
        ]

    def test_one_that_is_good_on_its_table_alone_is_refused(
        self, config: Path, sent: Callable[[int], None], outcome_file: Path, tmp_path: Path, registry: Registry
    ) -> None:
        sent(40)
        moved = tmp_path / "moved.csv"
        moved.write_text(lines("x,n,y", lambda number: f"{number},{number % 7},{'dcba'[number // 30]}", count=120))

        refused("train", "--config", config, "--data", moved, "--json", outcome_file, "--retraining", "one")

        outcome = told(outcome_file)
        failed = [gate for gate in outcome.gates if not gate.passed]
        assert outcome.outcome == "refused"
        assert [gate.detail for gate in failed] == details(outcome_file)
        assert [version.manifest.name for version in registry.versions()] == ["v1"]

    def test_too_little_of_it_is_a_note(
        self, config: Path, sent: Callable[[int], None], outcome_file: Path, registry: Registry
    ) -> None:
        sent(5)

        done("train", "--config", config, "--json", outcome_file, "--retraining", "one")

        assert details(outcome_file) == []
        notes = registry.version("v2").manifest.lineage.notes
        assert "labelled traffic is not a gate: 5 requests of 30 that it takes" in notes


def details(path: Path) -> list[str]:
    """What gates say of traffic."""
    return [gate.detail for gate in told(path).gates if gate.detail and "traffic" in gate.detail]
