"""The check of the active version: what a new environment would miss is a metric and a reason in the log."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from skylift.pointer import ActivePointer
from skylift.registry import Registry
from tests.conftest import BUCKET, MODEL, STAGE
from tests.support.aws_clients import every_operation
from tests.support.faults import before, denied, fails_with
from tests.support.models import compiled_iris_package, iris_package
from tests.support.stored import promoted
from version_check import handler as handler_module
from version_check.handler import handler

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

type Checked = tuple[dict[str, Any], float]

FILES = ("model.joblib", "model.onnx", "baseline.json")


@pytest.fixture
def active(registry: Registry) -> None:
    """Iris v1 is active."""
    promoted(compiled_iris_package())


@pytest.fixture
def checked(capsys: pytest.CaptureFixture[str]) -> Callable[[], Checked]:
    """Checks, and returns the answer with the metric that was written."""

    def check() -> Checked:
        capsys.readouterr()
        answer: dict[str, Any] = dict(handler({"source": "aws.events"}))
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        (metrics,) = (line for line in lines if "_aws" in line)
        assert (metrics["stage"], metrics["model"], metrics["version"]) == (STAGE, MODEL, answer["version"])
        assert [line["found"] for line in lines if "found" in line] == (
            [answer["problem"]] if answer["problem"] else []
        )
        (value,) = metrics["ActiveVersionUnreadable"]
        return answer, value

    return check


def key(name: str) -> str:
    return f"models/{MODEL}/v1/{name}"


def overwrite(name: str, body: bytes) -> None:
    every_operation().put_object(Bucket=BUCKET, Key=key(name), Body=body)


@pytest.mark.usefixtures("active")
def test_a_version_whose_files_are_all_there_is_readable(checked: Callable[[], Checked]) -> None:
    assert checked() == ({"version": "v1", "problem": None}, 0)


def test_a_version_that_only_joblib_can_load_is_unreadable_where_that_is_not_allowed(
    checked: Callable[[], Checked], registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    promoted(iris_package())
    assert checked() == ({"version": "v1", "problem": None}, 0)

    monkeypatch.setenv("SKYLIFT_ALLOW_JOBLIB", "false")
    answer, unreadable = checked()

    assert unreadable == 1
    assert "v1 has no compiled form" in answer["problem"]


def test_where_no_version_is_active_there_is_nothing_to_read(
    checked: Callable[[], Checked], registry: Registry
) -> None:
    assert checked() == ({"version": None, "problem": None}, 0)


@pytest.mark.usefixtures("active")
@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_a_file_that_was_deleted_is_named(checked: Callable[[], Checked], name: str) -> None:
    every_operation().delete_object(Bucket=BUCKET, Key=key(name))

    answer, unreadable = checked()

    assert unreadable == 1
    assert answer["version"] == "v1"
    assert ("iris has no version v1" if name == "manifest.json" else f"{name} of v1 is missing") in answer["problem"]


@pytest.mark.usefixtures("active")
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("body", [b"", b"short", b"x" * 10_000_000], ids=["empty", "shorter", "longer"])
def test_a_file_of_another_size_is_named_with_both(checked: Callable[[], Checked], name: str, body: bytes) -> None:
    overwrite(name, body)

    answer, unreadable = checked()

    assert unreadable == 1
    assert f"{name} of v1 has {len(body)} bytes, not " in answer["problem"]
    assert answer["problem"].endswith("restore the object, or promote another version")


@pytest.mark.usefixtures("active")
def test_a_manifest_that_was_altered_is_unreadable(checked: Callable[[], Checked]) -> None:
    overwrite("manifest.json", b"{}")

    answer, unreadable = checked()

    assert unreadable == 1
    assert "does not have the digest" in answer["problem"]


def test_a_pointer_that_holds_something_else_is_unreadable(
    checked: Callable[[], Checked], pointer: ActivePointer, ssm: "SSMClient"
) -> None:
    ssm.put_parameter(Name=pointer.name, Value="v1", Type="String", Overwrite=True)

    answer, unreadable = checked()

    assert (answer["version"], unreadable) == (None, 1)
    assert "not a reference" in answer["problem"]


@pytest.mark.usefixtures("active")
def test_what_the_role_may_not_read_is_unreadable(
    checked: Callable[[], Checked], s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    before(s3, "GetObject", fails_with(denied()))
    monkeypatch.setattr(handler_module, "s3_client", lambda: s3)

    answer, unreadable = checked()

    assert unreadable == 1
    assert "AccessDenied" in answer["problem"]


@pytest.mark.usefixtures("active")
def test_an_unexpected_error_counts_and_is_lambdas_to_report(
    ssm: "SSMClient", monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before(ssm, "GetParameter", fails_with(ZeroDivisionError()))
    monkeypatch.setattr(handler_module, "ssm_client", lambda **_: ssm)

    with pytest.raises(ZeroDivisionError):
        handler()

    assert json.loads(capsys.readouterr().out.splitlines()[-1])["ActiveVersionUnreadable"] == [1.0]


@pytest.mark.usefixtures("active")
def test_contents_are_not_read(checked: Callable[[], Checked], s3: "S3Client", monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr("skylift.store.read_body", _noting(read))

    checked()

    assert read == ["reading manifest.json of iris v1"]


def _noting(read: list[str]) -> Any:
    from skylift.download import read_body

    def noting(doing: str, *args: Any, **kwargs: Any) -> bytes:
        read.append(doing)
        return read_body(doing, *args, **kwargs)

    return noting
