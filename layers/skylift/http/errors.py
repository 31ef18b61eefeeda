"""Failures of what an HTTP request asks for; see `skylift.errors` for all others.

    SkyliftError
    |-- RequestError           a caller's request cannot be answered
    |   |-- NotJson            the body is not JSON
    |   |-- WrongContentType   the body is not declared to be JSON
    |   |-- BodyTooLarge       the body has too many bytes
    |   |-- ClientGone         the body never arrived completely
    |   |-- InvalidQuery       the query of the address cannot be answered
    |   |-- UnknownModel       no such model or version is served
    |   |-- InvalidTensors     the body is not a request of the V2 protocol
    |   |-- ExplanationTooSlow   the reasons that it asks for would take too long
    |   |-- ReasonsUnavailable   they cannot be told now
    |   |-- Overloaded         the server has too much to do for it
    |   |-- TooManyInstances   the body has too many instances
    |   |-- TooManyLabels      the body has too many labels
    |   |-- AnswerTooLarge     its answer has too many bytes
    |   |-- InvalidInstance    a field of the body breaks the contract
    |   |-- InvalidLabels      an entry of the body is not a label
    |   `-- InvalidRetrainRequest  a member of the body, or the key, cannot be read
    |-- LabelsNotKept          labels cannot be written now
    |-- MetricsNotRead         the metrics of all environments cannot be read now
    `-- HistoryNotRead         versions and moves of the pointer cannot be read now

`skylift.http.problems` gives each a status.
"""

import dataclasses
from dataclasses import dataclass

from skylift.errors import SkyliftError


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One field that breaks the contract.

    Parameters
    ----------
    field
        Place of the field, for example `instances[3].petal_width`.
    reason
        Short stable code, for example `unknown_field`.
    message
        The fault and what was expected.
    pointer
        The same place as a JSON pointer, for example `/instances/3/petal_width`.
    feature
        Name of the contract's feature that it is about; None for another name, which is the caller's.
    """

    field: str
    reason: str
    message: str
    pointer: str = dataclasses.field(default="", compare=False)
    feature: str | None = dataclasses.field(default=None, compare=False)


class RequestError(SkyliftError):
    """A caller's request cannot be answered as it stands."""

    code = "request-error"


class NotJson(RequestError):
    """The body is not JSON."""

    code = "not-json"


class WrongContentType(RequestError):
    """The body is not declared to be JSON."""

    code = "wrong-content-type"


class BodyTooLarge(RequestError):
    """The body has too many bytes."""

    code = "body-too-large"


class ClientGone(RequestError):
    """The client closed the connection before the end of its body."""

    code = "client-gone"


class InvalidQuery(RequestError):
    """The query of the address asks for something that there is not."""

    code = "invalid-query"


class UnknownModel(RequestError):
    """The address names a model or a version that is not served here."""

    code = "unknown-model"


class InvalidTensors(RequestError):
    """The body is not a request of the Open Inference Protocol V2, or its tensors contradict themselves."""

    code = "invalid-tensors"


class ExplanationTooSlow(RequestError):
    """The reasons that a request asks for would take too long."""

    code = "explanation-too-slow"


class ReasonsUnavailable(RequestError):
    """What a version explains its answers by cannot be read now."""

    code = "reasons-unavailable"


class Overloaded(RequestError):
    """The server has too much to do for the request."""

    code = "overloaded"


class TooManyInstances(RequestError):
    """The body has too many instances."""

    code = "too-many-instances"


class TooManyLabels(RequestError):
    """The body has too many labels."""

    code = "too-many-labels"


class AnswerTooLarge(RequestError):
    """The answer has too many bytes to be sent."""

    code = "answer-too-large"


class InvalidInstance(RequestError):
    """Fields of the body break the contract.

    Parameters
    ----------
    problems
        The first field problems, in the order of the body.
    total
        Number of all field problems.
    """

    code = "invalid-instance"

    def __init__(self, problems: tuple[FieldProblem, ...], total: int) -> None:
        noun = "field breaks" if total == 1 else "fields break"
        super().__init__(f"{total} {noun} the contract", "see errors, and /openapi.json for the contract")
        self.problems = problems
        self.total = total


class InvalidLabels(RequestError):
    """Entries of the body are not labels, and none of the others is kept.

    Parameters
    ----------
    problems
        Problems of the first such entries, in the order of the body.
    total
        Number of all such entries.
    """

    code = "invalid-labels"

    def __init__(self, problems: tuple[FieldProblem, ...], total: int) -> None:
        noun = "entry is not a label" if total == 1 else "entries are not labels"
        hint = "see errors, correct these and send all of them again"
        super().__init__(f"{total} {noun}, and none of the body is kept", hint)
        self.problems = problems
        self.total = total


class InvalidRetrainRequest(RequestError):
    """What is asked of a retraining cannot be read.

    Parameters
    ----------
    problems
        The first problems.
    total
        Number of all problems.
    """

    code = "invalid-retrain-request"

    def __init__(self, problems: tuple[FieldProblem, ...], total: int) -> None:
        super().__init__("the retraining that is asked for cannot be read", "see errors; {} asks for the defaults")
        self.problems = problems
        self.total = total


class LabelsNotKept(SkyliftError):
    """Labels cannot be checked or written now; who sent them still has them."""

    code = "labels-not-kept"


class MetricsNotRead(SkyliftError):
    """The metrics of all environments cannot be read from CloudWatch now."""

    code = "metrics-not-read"


class HistoryNotRead(SkyliftError):
    """The versions and the moves of the pointer cannot be read now."""

    code = "history-not-read"
