"""The life of a model by the command line: train, look, promote, go back, look who did what."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from skylift.errors import AwsUnavailable
from skylift.footprint import Footprint
from skylift.image_cache import ImageCache
from skylift.manifest import MANIFEST_FILE, MODEL_FILE
from skylift.metrics import Gate
from skylift.pointer import ActivePointer
from skylift.references import Reference, sha256
from skylift.registry import Registry
from tests.conftest import BUCKET, MODEL, STAGE
from tests.support.cloudformation import CloudFormation
from tests.support.commands import done, refused, skylift
from tests.support.models import changed, iris_package
from tests.support.stored import placed, promoted
from tests.support.tables import LOGISTIC, TREE, lines, write_project
from training.cli import connection

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def project(folder: Path, **sections: Any) -> Path:
    """A small table and its `model.yaml`."""
    text = lines("x,n,y", lambda number: f"{number},{number % 7},{'ab'[number // 20]}")
    return write_project(folder, text, **{"candidates": [TREE, LOGISTIC], "select_by": "accuracy"} | sections)


def publish(candidate: str = "logistic", **fields: object) -> str:
    return str(placed(changed(iris_package(candidate), **fields)))


class TestTrain:
    def test_a_version_is_published_but_does_not_serve(self, tmp_path: Path, registry: Registry) -> None:
        text = done("train", "--config", project(tmp_path))

        (version,) = registry.versions()
        assert f"Published {version.reference}" in text
        assert f"Make it live: skylift promote {version.reference}" in text
        assert registry.active() is None

    def test_the_digest_of_the_configuration_is_kept(self, tmp_path: Path, registry: Registry) -> None:
        path = project(tmp_path)

        done("train", "--config", path)

        assert registry.version("v1").manifest.lineage.config_sha256 == sha256(path.read_bytes())

    def test_each_training_makes_the_next_version(self, tmp_path: Path, registry: Registry) -> None:
        path = project(tmp_path, candidates=[TREE])

        done("train", "--config", path)

        assert "Published v2@sha256:" in done("train", "--config", path)

    def test_a_published_version_that_cannot_be_shown_is_a_warning(
        self, tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fails(*_: object) -> None:
            raise AwsUnavailable("S3 did not answer")

        monkeypatch.setattr("training.evaluation.published.published_evaluation", fails)

        result = skylift("train", "--config", project(tmp_path, candidates=[TREE]))

        assert result.exit_code == 0
        assert "warning: v1 cannot be shown in full: S3 did not answer" in result.stderr
        assert "Published v1@sha256:" in result.stdout

    def test_progress_and_results_are_kept_apart(self, tmp_path: Path, registry: Registry) -> None:
        result = skylift("train", "--config", project(tmp_path))

        assert "candidate 1 of 2: tree" in result.stderr
        assert "candidate 1 of 2" not in result.stdout
        assert "Candidates, cross-validated" in result.stdout

    def test_a_failed_gate_publishes_nothing_and_says_so_in_one_line(
        self, tmp_path: Path, registry: Registry, s3: "S3Client"
    ) -> None:
        dummy = {"name": "dummy", "estimator": "sklearn.dummy.DummyClassifier"}

        line = refused("train", "--config", project(tmp_path, candidates=[dummy], gates={"accuracy": {"min": 0.9}}))

        assert "failed on the holdout: accuracy 0.5000 (>= 0.9), accuracy 0.5000 > 0.5000 (dummy baseline): " in line
        assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET)

    @pytest.mark.parametrize(
        ("sections", "said"),
        [
            ({"data": {"path": "gone.csv"}}, "gone.csv cannot be read"),
            ({"target": {"column": "z"}}, "target.column names 'z'"),
            ({"candidates": [{"name": "c", "estimator": "sklearn.tree.Oak"}]}, "there is no sklearn.tree.Oak"),
            ({"candidates": [TREE | {"params": {"max_depth": -1}}]}, "no candidate could be fitted"),
            ({"select_by": "rmse"}, "select_by is rmse, not a classification metric"),
            ({"gate": {}}, "gate: unknown key"),
        ],
    )
    def test_a_mistake_is_told_in_one_line_and_publishes_nothing(
        self, tmp_path: Path, registry: Registry, sections: dict[str, Any], said: str
    ) -> None:
        assert said in refused("train", "--config", project(tmp_path, **sections))
        assert registry.versions() == []

    def test_debug_shows_where_a_mistake_was_found(self, tmp_path: Path, registry: Registry) -> None:
        result = skylift("--debug", "train", "--config", project(tmp_path, select_by="rmse"))

        assert result.exit_code == 1
        assert "select_by is rmse" in str(result.exception)
        assert result.exception is not None
        assert result.exception.__traceback__ is not None


class TestVersions:
    def test_without_versions_the_way_to_one_is_told(self, registry: Registry) -> None:
        assert done("versions") == "No versions yet. Make one: skylift train\n"

    def test_the_active_version_is_marked(self, registry: Registry) -> None:
        publish()
        promoted(iris_package("tree"))

        _, first, second = done("versions").splitlines()

        assert first.split()[0] == "v1"
        assert second.split()[:2] == ["*", "v2"]

    def test_references_are_listed_for_other_programs(self, registry: Registry) -> None:
        references = [publish(), publish("tree")]

        assert done("versions", "--references").splitlines() == references

    def test_before_a_promotion_none_is_marked(self, registry: Registry) -> None:
        publish()

        assert "*" not in done("versions")

    def test_a_version_whose_metric_the_holdout_could_not_tell_is_listed(
        self, tmp_path: Path, registry: Registry
    ) -> None:
        text = lines("x,n,y", lambda n: f"{n % 10 if n < 80 else 0},{n},{'ab'[n < 80 and n % 10 > 4]}", count=100)
        path = project(tmp_path, select_by="roc_auc", candidates=[TREE], split={"time": "n"})
        (tmp_path / "table.csv").write_text(text, encoding="utf-8")
        done("train", "--config", path)

        assert "unknown" in done("versions")


class TestShow:
    def test_a_version_is_shown(self, registry: Registry) -> None:
        reference = publish()

        text = done("show", "v1")

        assert reference in text
        assert "classification of species" in text

    @pytest.mark.parametrize("name", ["v1", "1"])
    def test_a_version_is_named_by_its_number(self, registry: Registry, name: str) -> None:
        reference = publish()

        assert reference in done("show", name)

    def test_a_version_is_named_by_its_reference(self, registry: Registry) -> None:
        reference = publish()

        assert reference in done("show", reference)

    def test_without_a_name_the_active_version_is_shown(self, registry: Registry) -> None:
        publish()
        reference = promoted(iris_package("tree"))

        assert str(reference) in done("show")

    def test_without_a_name_and_an_active_version_the_way_to_one_is_told(self, registry: Registry) -> None:
        assert refused("show") == "error: no version is active\nhint: promote one: `skylift promote v1`"

    def test_json_is_the_manifest_as_it_is_stored(self, registry: Registry, s3: "S3Client") -> None:
        reference = publish()

        text = done("show", "v1", "--json")

        assert sha256(text.encode()) == reference.partition("sha256:")[2]
        assert json.loads(text)["model"] == "iris"

    @pytest.mark.parametrize("name", ["v9", "seven", "v1@sha256:" + "0" * 64])
    def test_a_version_that_is_not_there_is_refused(self, registry: Registry, name: str) -> None:
        publish()

        assert refused("show", name)


class TestShowCard:
    @pytest.fixture(autouse=True)
    def _in_an_empty_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
            monkeypatch.delenv(name, raising=False)

    def test_without_a_browser_the_card_is_a_file_whose_path_is_told(self, registry: Registry, tmp_path: Path) -> None:
        reference = publish()

        assert done("show", "v1", "--card") == "No browser here: open build/cards/iris-v1.html\n"
        assert reference in (tmp_path / "build/cards/iris-v1.html").read_text(encoding="utf-8")

    def test_a_browser_opens_it(self, registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        publish()
        opened: list[str] = []
        monkeypatch.setenv("BROWSER", "browser")

        def browse(url: str) -> bool:
            opened.append(url)
            return True

        monkeypatch.setattr("webbrowser.open", browse)

        assert done("show", "v1", "--card") == "Opened build/cards/iris-v1.html\n"
        assert opened == [(tmp_path / "build/cards/iris-v1.html").as_uri()]


class TestPromote:
    def test_the_version_becomes_the_active_one(self, registry: Registry) -> None:
        reference = publish()

        assert done("promote", "v1") == f"Active: {reference}\n"
        assert str(registry.active()) == reference

    def test_a_name_alone_is_refused_where_bytes_are_asked_for(self, registry: Registry) -> None:
        reference = publish()

        for name in ("v1", "1"):
            assert refused("promote", "--pinned", name).startswith(
                f"error: {name} names no bytes\nhint: write it as v7@"
            )
        assert registry.active() is None
        assert done("promote", "--pinned", reference) == f"Active: {reference}\n"

    @pytest.mark.parametrize("options", [(), ("--pinned",), ("--ignore-memory",)], ids=str)
    def test_a_version_without_a_compiled_form_is_refused_where_joblib_is_not_allowed(
        self, registry: Registry, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SKYLIFT_ALLOW_JOBLIB", "false")

        message = refused("promote", publish(), *options)

        assert "error: v1 may not serve: v1 has no compiled form, and model.joblib, " in message
        assert "AllowJoblib=true" in message
        assert registry.active() is None

    def test_a_stack_says_whether_joblib_is_allowed(self, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
        named = {"ModelBucketName": BUCKET, "Stage": STAGE, "ModelName": MODEL}
        outputs = named | {"AllowJoblib": "false"}
        monkeypatch.setattr(connection, "cloudformation_client", lambda: CloudFormation("skylift", outputs=outputs))

        assert "v1 has no compiled form" in refused("promote", publish(), "--stack", "skylift")
        assert registry.active() is None

    def test_a_version_that_failed_its_gate_is_refused(self, registry: Registry) -> None:
        publish(gates=(Gate(metric="accuracy", min=0.99, value=0.9, passed=False),))

        assert "v1 failed its gate: accuracy 0.9000 (>= 0.99)" in refused("promote", "v1")
        assert registry.active() is None

    def test_a_version_whose_model_was_altered_is_refused(self, registry: Registry, s3: "S3Client") -> None:
        publish()
        s3.put_object(Bucket=BUCKET, Key=f"models/iris/v1/{MODEL_FILE}", Body=b"other")

        assert f"{MODEL_FILE} of v1 does not have the digest" in refused("promote", "v1")
        assert registry.active() is None

    def test_a_version_of_another_scikit_learn_is_refused(self, registry: Registry) -> None:
        publish(environment={"scikit-learn": "0.1"})

        assert "was trained by scikit-learn 0.1" in refused("promote", "v1")


class TestBake:
    def test_the_version_is_written_into_the_folder(self, registry: Registry, tmp_path: Path) -> None:
        reference = Reference.parse(publish())

        text = done("bake", "v1", tmp_path)

        place = tmp_path / "iris" / f"v1-{reference.digest}"
        assert text == f"Baked {place}\n"
        assert {file.name for file in place.iterdir()} == {MANIFEST_FILE, *iris_package().artifacts}
        assert reference in ImageCache(tmp_path, "iris")

    def test_the_version_is_not_promoted(self, registry: Registry, tmp_path: Path) -> None:
        publish()

        done("bake", "v1", tmp_path)

        assert registry.active() is None

    def test_a_version_that_failed_its_gate_is_refused_and_nothing_is_written(
        self, registry: Registry, tmp_path: Path
    ) -> None:
        publish(gates=(Gate(metric="accuracy", min=0.99, value=0.9, passed=False),))

        assert "v1 failed its gate: accuracy 0.9000 (>= 0.99)" in refused("bake", "v1", tmp_path / "cache")
        assert not (tmp_path / "cache").exists()

    def test_a_version_whose_model_was_altered_is_refused_and_nothing_is_written(
        self, registry: Registry, s3: "S3Client", tmp_path: Path
    ) -> None:
        publish()
        s3.put_object(Bucket=BUCKET, Key=f"models/iris/v1/{MODEL_FILE}", Body=b"other")

        assert f"{MODEL_FILE} of v1 does not have the digest" in refused("bake", "v1", tmp_path / "cache")
        assert not (tmp_path / "cache").exists()

    def test_a_version_that_is_not_there_is_refused(self, registry: Registry, tmp_path: Path) -> None:
        assert refused("bake", "v9", tmp_path) == "error: iris has no version v9\nhint: see `skylift versions`"

    def test_a_folder_that_cannot_be_made_is_named(self, registry: Registry, tmp_path: Path) -> None:
        publish()
        (tmp_path / "cache").write_text("no folder", encoding="utf-8")

        assert str(tmp_path / "cache") in refused("bake", "v1", tmp_path / "cache")


class TestPromotingToAStack:
    @pytest.fixture(autouse=True)
    def _stack(self, monkeypatch: pytest.MonkeyPatch) -> None:
        outputs = {"ModelBucketName": BUCKET, "Stage": STAGE, "ModelName": MODEL}
        stack = CloudFormation("skylift", outputs=outputs, parameters={"MemorySize": "256"})
        monkeypatch.setattr(connection, "cloudformation_client", lambda: stack)
        monkeypatch.setattr("skylift.footprint.measure", lambda _version, _read: Footprint(60, 100, 100))
        monkeypatch.setattr("skylift.footprint._STATUS", Path.cwd())  # wherever the test runs

    def test_a_version_whose_switch_would_not_fit_the_function_is_refused(self, registry: Registry) -> None:
        publish()

        text = refused("promote", "v1", "--stack", "skylift")

        assert "needs 310 MiB and has 256" in text
        assert "--ignore-memory" in text
        assert registry.active() is None

    def test_on_request_the_memory_is_not_looked_at(self, registry: Registry) -> None:
        version = publish()

        assert done("promote", "v1", "--stack", "skylift", "--ignore-memory") == f"Active: {version}\n"


class TestPromotingAgain:
    def test_what_is_active_is_told_to_be_and_the_history_stays(self, registry: Registry) -> None:
        active = promoted(iris_package())

        assert done("promote", "v1") == f"Active: {active} as before: nothing was written\n"
        assert len(registry.history()) == 1

    def test_a_move_by_somebody_else_meanwhile_fails_with_what_to_do(
        self, registry: Registry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, theirs = promoted(iris_package()), publish("tree")
        values = iter([str(first), str(theirs)])
        monkeypatch.setattr(ActivePointer, "read", lambda _: first)
        monkeypatch.setattr(ActivePointer, "value", lambda _: next(values))

        assert "was moved meanwhile, from v1 to v2: nothing was written" in refused("promote", "v2")


class TestRollback:
    def test_the_version_before_becomes_the_active_one_again(self, registry: Registry) -> None:
        first = promoted(iris_package())
        promoted(iris_package("tree"))

        assert done("rollback") == f"Active: {first}\n"

    @pytest.mark.parametrize("count", [0, 1])
    def test_without_a_version_before_it_is_refused(self, registry: Registry, count: int) -> None:
        for _ in range(count):
            promoted(iris_package())

        assert "no earlier version to roll back to" in refused("rollback")


class TestHistory:
    def test_before_the_first_move_the_way_to_one_is_told(self, registry: Registry) -> None:
        assert done("history") == "The pointer was never moved. Move it: skylift promote v1\n"

    def test_a_pointer_that_was_only_set_up_was_never_moved(
        self, registry: Registry, pointer: ActivePointer, ssm: Any
    ) -> None:
        ssm.put_parameter(Name=pointer.name, Value="none", Type="String")

        assert done("history").startswith("The pointer was never moved.")

    def test_each_move_is_told_with_who_and_from_what_to_what_newest_first(self, registry: Registry) -> None:
        promoted(iris_package())
        promoted(iris_package("tree"))
        registry.rollback()

        _, *moves = done("history").splitlines()

        ends = [move.split()[3:] for move in moves]
        assert ends == [
            ["v2", "v1", "rollback", "SSM"],
            ["v1", "v2", "promotion", "SSM"],
            ["none", "v1", "promotion", "SSM"],
        ]
        assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  \S+  ", move) for move in moves)
