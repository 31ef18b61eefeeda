"""What was built from what, where: an in-toto statement with SLSA's predicate (slsa.dev/spec/v1.0/provenance)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from deploy.parameters import Stage

_BY_HAND = "urn:skylift:by-hand"


def statement(
    images: Mapping[str, str],
    stage: Stage,
    commit: str | None,
    environment: Mapping[str, str],
    *,
    base: str | None,
    now: datetime,
) -> dict[str, Any]:
    """The statement about the images of a release. It is not signed: it holds what a signature would cover.

    Parameters
    ----------
    images
        Ids of the images by name.
    stage
        Stage for whose parameters they were built.
    commit
        Commit that was built; None where unknown.
    environment
        Environment variables; those of a GitHub workflow name repository, run and workflow.
    base
        Image on which they were built, with its digest; None where it has none.
    now
        Time at which the build ended.

    Returns
    -------
    Document for JSON.
    """
    repository = _repository(environment)
    builder = f"{repository}/blob/HEAD/.github/workflows/deploy.yml" if run_url(environment) else _BY_HAND
    source = {"uri": f"git+{repository}" if repository else "urn:skylift:checkout"}
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": _digest(digest)} for name, digest in images.items()],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "urn:skylift:make-package",
                "externalParameters": {"stage": stage.name, "parameters": stage.parameters},
                "resolvedDependencies": [
                    source | ({"digest": {"gitCommit": commit}} if commit else {}),
                    *([_image(base)] if base else []),
                ],
            },
            "runDetails": {
                "builder": {"id": builder},
                "metadata": {
                    "finishedOn": f"{now:%Y-%m-%dT%H:%M:%SZ}",
                    **({"invocationId": url} if (url := run_url(environment)) else {}),
                },
            },
        },
    }


def run_url(environment: Mapping[str, str]) -> str | None:
    """URL of the workflow's run; None by hand."""
    if not (run_id := environment.get("GITHUB_RUN_ID")):
        return None
    attempt = environment.get("GITHUB_RUN_ATTEMPT", "1")
    return f"{_repository(environment)}/actions/runs/{run_id}/attempts/{attempt}"


def _repository(environment: Mapping[str, str]) -> str:
    name = environment.get("GITHUB_REPOSITORY")
    return f"{environment.get('GITHUB_SERVER_URL', '')}/{name}" if name else ""


def _image(reference: str) -> dict[str, Any]:
    """An image as a resource descriptor, named by its package URL."""
    place, _, digest = reference.partition("@")
    registry, _, name = place.partition("/")
    path, _, tag = name.rpartition(":")
    return {"uri": f"pkg:docker/{path}@{tag}?repository_url={registry}", "digest": _digest(digest)}


def _digest(text: str) -> dict[str, str]:
    algorithm, _, digest = text.partition(":")
    return {algorithm: digest}
