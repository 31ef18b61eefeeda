"""The table of a model by the command line: look at it, validate it, prepare it, train and measure on it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from skylift.registry import Registry
from tests.conftest import BUCKET
from tests.support.commands import done, refused, skylift
from tests.support.models import IRIS_CONFIG
from tests.support.tables import lines, mixed, write_project

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def project(folder: Path, text: str | None = None, **sections: Any) -> Path:
    return write_project(folder, text or mixed(), **{"target": {"column": "churned"}} | sections)


class TestValidate:
    def test_a_sound_table_is_said_to_pass(self, tmp_path: Path) -> None:
        text = done("data", "validate", "--config", project(tmp_path))

        assert "80 rows: passed" in text
        assert "class balance" in text
        assert "target.task was guessed: classification" in text

    def test_a_bad_file_ends_with_code_1_and_names_row_and_column(self, tmp_path: Path) -> None:
        path = project(tmp_path, features={"age": {"max": 60}})

        result = skylift("data", "validate", "--config", path)

        assert result.exit_code == 1
        assert "80 rows: FAILED" in result.stdout
        (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
        assert line.startswith("error: the table failed validation: column age holds 62 in row 7: above 60")

    def test_the_report_is_written_as_json_as_well(self, tmp_path: Path) -> None:
        done("data", "validate", "--config", project(tmp_path), "--json", tmp_path / "reports" / "validation.json")

        assert json.loads((tmp_path / "reports" / "validation.json").read_bytes())["passed"] is True

    def test_the_report_is_written_also_where_it_fails(self, tmp_path: Path) -> None:
        path = project(tmp_path, features={"age": {"max": 60}})

        skylift("data", "validate", "--config", path, "--json", tmp_path / "validation.json")

        document = json.loads((tmp_path / "validation.json").read_bytes())
        assert (document["passed"], document["checks"]["ranges"]) == (False, "failed")

    def test_a_dash_prints_nothing_but_json(self, tmp_path: Path) -> None:
        assert json.loads(done("data", "validate", "--config", project(tmp_path), "--json", "-"))["rows"] == 80

    def test_a_sample_is_a_quick_look(self, tmp_path: Path) -> None:
        text = done("data", "validate", "--config", project(tmp_path), "--sample", "40")

        assert "40 rows: passed" in text
        assert "40 of 80 rows were drawn as a sample" in text

    def test_a_table_is_held_to_the_contract_of_a_version(self, tmp_path: Path, registry: Registry) -> None:
        path = project(tmp_path)
        done("train", "--config", path)
        (tmp_path / "v1.json").write_text(done("show", "v1", "--json"), encoding="utf-8")
        project(tmp_path, mixed().replace("Rome", "Bern"))

        text = done("data", "validate", "--config", path, "--contract", tmp_path / "v1.json")

        assert "holds 'Bern' in row 3: unknown category" in " ".join(text.split())

    def test_a_file_that_cannot_be_read_is_one_line(self, tmp_path: Path) -> None:
        path = project(tmp_path, lines("x,y", lambda number: "1,2,3" if number == 5 else "1,2"))

        assert "line 7" in refused("data", "validate", "--config", path)

    def test_a_report_that_cannot_be_written_is_one_line(self, tmp_path: Path) -> None:
        result = skylift("data", "validate", "--config", project(tmp_path), "--json", tmp_path)

        assert result.exit_code == 1
        assert "cannot be written (Is a directory)\nhint: name another with --json" in result.stderr


class TestProfile:
    def test_every_column_has_its_line(self) -> None:
        text = done("data", "profile", "--config", IRIS_CONFIG)

        assert "150 rows, classification of species" in text
        (line,) = [line for line in text.splitlines() if line.startswith("petal_width")]
        assert line.split() == ["petal_width", "number", "0", "22", "0.1", "1.199", "1.3", "2.5", "0.963"]

    def test_it_is_printed_as_json_on_demand(self) -> None:
        document = json.loads(done("data", "profile", "--config", IRIS_CONFIG, "--json", "-"))

        assert document["columns"][0]["name"] == "sepal_length"


class TestPipeline:
    def test_a_table_is_prepared_trained_on_and_measured_without_aws(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = project(tmp_path)
        for name in ("SKYLIFT_BUCKET", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        processed, version, reports = tmp_path / "processed", tmp_path / "version", tmp_path / "reports"

        prepared = done("data", "prepare", "--config", path, "--output", processed)
        trained = done("train", "--config", path, "--prepared", processed, "--output", version)
        measured = done("evaluate", version, "--config", path, "--prepared", processed, "--output", reports)

        assert "train.csv, 64 rows" in prepared
        assert f"Evaluate: skylift evaluate {version}" in trained
        assert measured.splitlines()[0].split() == ["metric", "cross-validated", "test"]
        assert (reports / "metrics.json").exists()

    def test_what_training_noted_is_told_without_aws_too(self, tmp_path: Path) -> None:
        text = lines(
            "x,leak,y", lambda number: f"{number * 7 % 40},{number // 20 * 50 + number * 7 % 11},{'ab'[number // 20]}"
        )
        path = project(tmp_path, text, target={"column": "y"})

        trained = done("train", "--config", path, "--output", tmp_path / "version")

        assert "note  column leak separates the classes of y" in trained

    def test_without_prepared_rows_the_command_that_makes_them_is_told(self, tmp_path: Path) -> None:
        path, version = project(tmp_path), tmp_path / "version"

        trained = done("train", "--config", path, "--output", version)

        told = trained.partition("Evaluate: ")[2].splitlines()[0]
        assert [done(*command.split()[1:]) for command in told.split(" && ")]
        assert (tmp_path / "version-reports" / "metrics.json").exists()

    def test_a_failed_gate_is_told_by_train_and_by_evaluate(self, tmp_path: Path) -> None:
        path = project(tmp_path, gates={"log_loss": {"max": 0.0}})
        processed, version = tmp_path / "processed", tmp_path / "version"
        done("data", "prepare", "--config", path, "--output", processed)

        trained = skylift("train", "--config", path, "--prepared", processed, "--output", version)

        assert trained.exit_code == 1
        assert "error: gate failed on the holdout: log_loss" in trained.stderr
        assert f"hint: {version} holds it for a closer look" in trained.stderr
        result = skylift(
            "evaluate", version, "--config", path, "--prepared", processed, "--output", tmp_path / "reports"
        )

        assert result.exit_code == 1
        assert "error: gate failed on the test rows: log_loss" in result.stderr

    def test_prepared_files_are_published_as_the_raw_table_is(self, tmp_path: Path, registry: Registry) -> None:
        path = project(tmp_path)
        done("data", "prepare", "--config", path, "--output", tmp_path / "processed")

        done("train", "--config", path)
        done("train", "--config", path, "--prepared", tmp_path / "processed")

        first, second = (version.manifest for version in registry.versions())
        assert (second.artifacts, second.contract, second.lineage) == (first.artifacts, first.contract, first.lineage)

    def test_a_sample_is_trained_on_and_noted(self, tmp_path: Path, registry: Registry) -> None:
        done("train", "--config", project(tmp_path), "--sample", "50")

        lineage = registry.version("v1").manifest.lineage
        assert lineage.data_rows == 50
        assert "50 of 80 rows were drawn as a sample" in lineage.notes

    def test_a_table_in_s3_is_trained_on(self, tmp_path: Path, registry: Registry, s3: "S3Client") -> None:
        path = project(tmp_path, data={"path": f"s3://{BUCKET}/tables/churn.csv"})
        s3.put_object(Bucket=BUCKET, Key="tables/churn.csv", Body=mixed().encode())

        done("train", "--config", path)

        assert registry.version("v1").manifest.lineage.data_rows == 80
