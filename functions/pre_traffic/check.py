"""Whether a new version of the service answers as the active version of the model must.

A new environment may not have its model yet, and the pointer may move meanwhile: both are checked again, a few
times. Any other failure is final.
"""

import time
from collections.abc import Callable, Iterator
from itertools import batched
from typing import Any

from pre_traffic.service import FunctionAnswer, NewService
from skylift.contract import Instance
from skylift.errors import CodeRefused
from skylift.golden import check_predictions
from skylift.manifest import Golden, Prediction
from skylift.pointer import ActivePointer
from skylift.store import VersionStore
from skylift.verification import Version

ATTEMPTS = 3
PAUSE_SECONDS = 3.0


class _NotYet(CodeRefused):
    """A refusal that may pass: no model is loaded yet, or another version is."""


def check(
    pointer: ActivePointer,
    store: VersionStore,
    service: NewService,
    *,
    pause: Callable[[float], None] = time.sleep,
) -> str:
    """Ask a new version for its health and for the golden answers of the active version.

    Parameters
    ----------
    pointer, store
        Pointer and versions of the model.
    service
        The new version of the service.
    pause
        Function that waits the given number of seconds.

    Returns
    -------
    The result in one sentence.

    Raises
    ------
    CodeRefused
        It fails, does not load the active version, or refuses its golden requests.
    GoldenMismatch
        It answers one of them differently from training.
    RegistryError, AwsUnavailable
        The pointer, the manifest or the function cannot be read or called.
    """
    for left in reversed(range(ATTEMPTS)):
        try:
            return _check(pointer, store, service)
        except _NotYet:
            if not left:
                raise
            pause(PAUSE_SECONDS)
    raise AssertionError  # the last attempt has returned or raised


def _check(pointer: ActivePointer, store: VersionStore, service: NewService) -> str:
    reference = pointer.read()
    if reference is None:
        _check_empty(service.ask("GET", "/health"))
        return "no version is active, and the new code says so"
    version = store.resolve(reference)
    _check_health(service.ask("GET", "/health"), version)
    golden = version.manifest.golden
    most = _most_instances(service.ask("GET", "/model-info"), version)
    for first, instances, expected in _requests(golden, most):
        answer = service.ask("POST", "/predict", {"instances": instances})
        _check_answer(answer, version, first, expected)
    return f"{len(golden.instances)} golden requests of {reference.name} are answered as in training"


def _requests(golden: Golden, size: int) -> Iterator[tuple[int, list[Instance], list[Prediction]]]:
    """The golden requests in bodies of at most so many; each with the number of its first."""
    pairs = zip(golden.instances, golden.predictions, strict=True)
    for index, batch in enumerate(batched(pairs, size)):
        yield index * size + 1, [instance for instance, _ in batch], [prediction for _, prediction in batch]


def _check_empty(answer: FunctionAnswer) -> None:
    if answer.status != 503 or answer.document.get("live") is not True:
        raise _NotYet(f"/health answers {answer.status} while no version is active", "see the new version's logs")


def _check_health(answer: FunctionAnswer, version: Version) -> None:
    document = answer.document
    model: Any = document.get("model")
    reference = model.get("reference") if isinstance(model, dict) else None
    if (answer.status, document.get("status"), reference) != (200, "ok", str(version.reference)):
        problem: Any = document.get("problem")
        code = problem.get("code") if isinstance(problem, dict) else None
        raise _NotYet(
            f"/health answers {answer.status}, {document.get('status')!r} with {reference}, not 'ok' with "
            f"{version.reference}" + (f" ({code})" if code else ""),
            "see the new version's logs",
        )


def _most_instances(answer: FunctionAnswer, version: Version) -> int:
    """How many instances a request may hold: the service takes fewer than its setting where an answer would not fit."""
    _check_version(answer, version, "/model-info")
    most = answer.document.get("max_instances")
    if answer.status != 200 or not isinstance(most, int) or most < 1:
        raise CodeRefused(f"/model-info answers {answer.status} with max_instances {most!r}", "see its code")
    return most


def _check_version(answer: FunctionAnswer, version: Version, path: str) -> None:
    """Refuse, until a later round, an answer without a model or by another version of it."""
    answered = answer.document.get("version")
    if answer.status == 503 or (answer.status == 200 and answered != version.reference.name):
        raise _NotYet(
            f"{path} answers {answer.status} by {answered}, not by {version.reference.name}",
            "see the new version's logs",
        )


def _check_answer(answer: FunctionAnswer, version: Version, first: int, expected: list[Prediction]) -> None:
    document = answer.document
    _check_version(answer, version, "/predict")
    if answer.status != 200:
        raise CodeRefused(
            f"/predict answers the golden requests with {answer.status} ({document.get('title')})",
            "see the new version's logs",
        )
    check_predictions(document, version.manifest, expected, first=first)
