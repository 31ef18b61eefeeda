"""What a contract means to a caller's types."""

import hashlib
import json

from skylift.contract import Contract
from skylift.feature import Feature


def contract_digest(contract: Contract) -> str:
    """Digest of what a typed client is written from: names, kinds and answers, not what training learned of values.

    Versions that were trained again on newer rows share it, so that a client is told of a change that concerns it and
    of no other.

    Returns
    -------
    SHA-256, 64 hex digits.
    """
    target = contract.target
    document = {
        "task": contract.task,
        "features": [_of_feature(feature) for feature in contract.features],
        "target": target.name,
        "classes": target.classes,
        "unit": target.unit,
        "interval": target.margins is not None,
        "sets": target.sets is not None,
    }
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _of_feature(feature: Feature) -> dict[str, object]:
    return {
        "name": feature.name,
        "kind": feature.kind,
        "required": feature.required,
        "unit": feature.unit,
        "form": feature.form,
        "values": None if feature.takes_unknown else feature.categories,
    }
