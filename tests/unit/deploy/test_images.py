"""Images are pushed once, by their content, and deployed by their digest."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from deploy import images
from deploy.images import pinned
from deploy.tools import ToolFailed
from skylift.errors import AwsUnavailable
from tests.support.image_repository import Repository

ID = "sha256:" + "1a" * 32
TAG = ID.replace(":", "-")
TEMPLATE = """
AWSTemplateFormatVersion: '2010-09-09'
Resources:
  Scores:
    Properties:
      ImageUri: a:inference
      Environment: {Variables: {SKYLIFT_IMAGE_DIGEST: '', ACCOUNT: '012345678901'}}
  Also: {Properties: {ImageUri: a:inference, MemorySize: {Ref: MemorySize}}}
  Other: {Properties: {ImageUri: elsewhere:inference, Description: a:inference}}
  Topic: {Type: Topic}
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "template.yaml"
    path.write_text(TEMPLATE, encoding="utf-8")
    return path


@pytest.fixture
def pushed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Calls of docker."""
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(images, "run", lambda _, *arguments, **__: calls.append(arguments))
    return calls


def test_what_the_repository_has_is_not_pushed_again(template: Path, pushed: list[tuple[str, ...]]) -> None:
    copy = pinned(template, {"a:inference": ID}, "host/skylift", client=cast("Any", Repository({TAG: "sha256:d"})))

    assert pushed == []
    resources = json.loads(copy.read_text(encoding="utf-8"))["Resources"]
    assert {name: each["Properties"]["ImageUri"] for name, each in resources.items() if "Properties" in each} == {
        "Scores": "host/skylift@sha256:d",
        "Also": "host/skylift@sha256:d",
        "Other": "elsewhere:inference",
    }
    assert template.read_text(encoding="utf-8") == TEMPLATE


def test_a_function_is_told_the_digest_of_the_image_that_it_runs(template: Path, pushed: list[tuple[str, ...]]) -> None:
    copy = pinned(template, {"a:inference": ID}, "host/skylift", client=cast("Any", Repository({TAG: "sha256:d"})))

    document = json.loads(copy.read_text(encoding="utf-8"))
    told = {"SKYLIFT_IMAGE_DIGEST": "sha256:d"}
    scores, also, other, topic = document["Resources"].values()
    assert scores["Properties"]["Environment"]["Variables"] == told | {"ACCOUNT": "012345678901"}
    assert also["Properties"]["Environment"]["Variables"] == told
    assert "Environment" not in other["Properties"]
    assert topic == {"Type": "Topic"}
    assert document["AWSTemplateFormatVersion"] == "2010-09-09"


def test_what_it_lacks_is_pushed_under_a_tag_of_its_content(template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository, words = Repository(), []

    def docker(_: str, verb: str, *arguments: str, word: str | None = None, **__: object) -> None:
        words.append(word)
        if verb == "push":
            repository.digests[arguments[-1].rpartition(":")[2]] = "sha256:new"

    monkeypatch.setattr(images, "run", docker)

    copy = pinned(template, {"a:inference": ID}, "host/skylift", client=cast("Any", repository))

    assert repository.digests == {TAG: "sha256:new"}
    assert '"ImageUri": "host/skylift@sha256:new"' in copy.read_text(encoding="utf-8")
    assert words == ["secret", None, None]  # never an argument, which others on the machine could read


def test_a_push_that_does_not_arrive_is_a_failure(template: Path, pushed: list[tuple[str, ...]]) -> None:
    with pytest.raises(ToolFailed, match="host/skylift has no sha256-1a"):
        pinned(template, {"a:inference": ID}, "host/skylift", client=cast("Any", Repository()))

    assert [verb for verb, *_ in pushed] == ["login", "tag", "push"]


def test_a_refusal_is_not_taken_for_an_image_that_is_missing(template: Path, pushed: list[tuple[str, ...]]) -> None:
    class Denied(Repository):
        def describe_images(self, **_: Any) -> dict[str, Any]:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "DescribeImages")

    with pytest.raises(AwsUnavailable, match="AccessDenied"):
        pinned(template, {"a:inference": ID}, "host/skylift", client=cast("Any", Denied()))

    assert pushed == []
