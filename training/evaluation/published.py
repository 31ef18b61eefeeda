"""Reads the evaluation that was published with a version."""

from skylift.registry import Registry
from skylift.verification import Version
from training.evaluation.report import EVALUATION_FILE, Evaluation


def published_evaluation(registry: Registry, version: Version) -> Evaluation | None:
    """The published evaluation of a version; None of one that an older release made.

    Raises
    ------
    IntegrityError
        It is missing or altered, or of an unknown schema.
    """
    if EVALUATION_FILE not in version.manifest.artifacts:
        return None
    source = f"{EVALUATION_FILE} of {version.manifest.name}"
    return Evaluation.from_bytes(registry.artifact(version, EVALUATION_FILE), source=source)
