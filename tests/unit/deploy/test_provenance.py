"""The statement says what was built from what, where."""

from datetime import UTC, datetime

from deploy.parameters import Stage
from deploy.provenance import run_url, statement

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
BASE = "public.ecr.aws/lambda/python:3.13@sha256:ba5e"
STAGE = Stage("dev", "skylift-dev", {"Stage": "dev"})
WORKFLOW = {
    "GITHUB_RUN_ID": "7",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_SERVER_URL": "https://git.example.com",
    "GITHUB_REPOSITORY": "acme/models",
}
RUN = "https://git.example.com/acme/models/actions/runs/7/attempts/2"


def test_a_build_of_a_workflow_names_its_run_and_commit() -> None:
    document = statement({"inference": "sha256:1a"}, STAGE, "c" * 40, WORKFLOW, base=BASE, now=NOW)

    assert document["_type"] == "https://in-toto.io/Statement/v1"
    assert document["subject"] == [{"name": "inference", "digest": {"sha256": "1a"}}]
    source, base = document["predicate"]["buildDefinition"]["resolvedDependencies"]
    assert base == {
        "uri": "pkg:docker/lambda/python@3.13?repository_url=public.ecr.aws",
        "digest": {"sha256": "ba5e"},
    }
    assert source == {"uri": "git+https://git.example.com/acme/models", "digest": {"gitCommit": "c" * 40}}
    assert document["predicate"]["runDetails"]["metadata"] == {
        "finishedOn": "2026-11-25T09:30:00Z",
        "invocationId": RUN,
    }
    assert document["predicate"]["runDetails"]["builder"]["id"].endswith("deploy.yml")


def test_a_build_by_hand_claims_neither() -> None:
    document = statement({}, STAGE, None, {}, base=None, now=NOW)

    (source,) = document["predicate"]["buildDefinition"]["resolvedDependencies"]
    assert source == {"uri": "urn:skylift:checkout"}
    assert document["predicate"]["runDetails"]["builder"]["id"] == "urn:skylift:by-hand"
    assert document["predicate"]["runDetails"]["metadata"].keys() == {"finishedOn"}


def test_a_run_has_a_url() -> None:
    assert run_url(WORKFLOW) == RUN
    assert run_url({}) is None
