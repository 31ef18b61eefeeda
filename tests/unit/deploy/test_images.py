"""Images are pushed once, by their content, and deployed by their digest."""

import json
import re
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from deploy import images
from deploy.images import base_of, built_on, pinned, pull_if_absent
from deploy.tools import ToolFailed
from skylift.errors import AwsUnavailable
from tests.support.image_repository import Repository
from tests.support.paths import ROOT

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
  Task: {Properties: {ContainerDefinitions: [{Image: inference}, {Image: elsewhere}]}}
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
    assert [one["Image"] for one in resources.pop("Task")["Properties"]["ContainerDefinitions"]] == [
        "host/skylift@sha256:d",
        "elsewhere",
    ]
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
    scores, also, other, topic, _ = document["Resources"].values()
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


BASE = "public.ecr.aws/lambda/python:3.13"
LAYERS = {BASE: ["sha256:1", "sha256:2"], "on it": ["sha256:1", "sha256:2", "sha256:3"], "not": ["sha256:1"]}


class TestBase:
    @pytest.fixture
    def inspected(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Digests that registries gave to the base; images are those of `LAYERS`."""
        digests: list[str] = []

        def output_of(*arguments: str, seconds: int) -> str:
            return json.dumps(digests if "RepoDigests" in arguments[4] else LAYERS[arguments[5].partition("@")[0]])

        monkeypatch.setattr(images, "output_of", output_of)
        return digests

    def test_dependabot_reads_the_one_from_line_that_names_an_image(self) -> None:
        """A name, a tag and perhaps a digest, as its parser wants them: a variable is not followed."""
        text = (ROOT / "functions" / "inference" / "Dockerfile").read_text(encoding="utf-8")
        from_line = re.compile(
            r"^FROM\s+(?P<registry>[\w.-]+\.[\w.-]+)/(?P<image>[a-z\d/._-]+):(?P<tag>\w[\w.-]{0,127})"
            r"(?:@(?P<digest>\S+))?(?:\s+AS\s+(?P<name>[\w-]+))?$",
            re.MULTILINE,
        )

        (found,) = from_line.finditer(text)
        assert (found["registry"], found["image"], found["tag"]) == ("public.ecr.aws", "lambda/python", "3.13")
        stages = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
        assert set(stages) == {found[0].split()[1], found["name"]}
        assert base_of(ROOT / "functions" / "inference" / "Dockerfile") == stages[0]

    @pytest.mark.parametrize("pinned_in_file", ["", "@sha256:ba5e"])
    def test_its_digest_is_that_of_its_own_repository(self, inspected: list[str], pinned_in_file: str) -> None:
        inspected += ["mirror.example/python@sha256:other", "public.ecr.aws/lambda/python@sha256:ba5e"]

        assert built_on(BASE + pinned_in_file, ["on it"]) == f"{BASE}@sha256:ba5e"

    def test_an_image_with_other_first_layers_was_built_on_another(self, inspected: list[str]) -> None:
        inspected.append("public.ecr.aws/lambda/python@sha256:ba5e")

        with pytest.raises(ToolFailed, match="not is not built on the public"):
            built_on(BASE, ["on it", "not"])

    def test_one_that_no_registry_has_is_unknown(self, inspected: list[str]) -> None:
        assert built_on(BASE, ["on it"]) is None

    @pytest.mark.parametrize(("here", "verbs"), [("0123456789ab", []), ("", ["pull"])])
    def test_it_is_pulled_once_where_it_is_absent(
        self, pushed: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, here: str, verbs: list[str]
    ) -> None:
        monkeypatch.setattr(images, "output_of", lambda *_, **__: here)

        pull_if_absent(BASE)

        assert [verb for verb, *_ in pushed] == verbs
