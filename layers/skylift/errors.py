"""Every failure Skylift reports on purpose.

    SkyliftError
    |-- ConfigError            model.yaml, a setting or an argument is wrong
    |-- DataError              the table cannot be read or used for training
    |-- TrainingError          no candidate could be fitted
    |-- GateFailed             the trained model is not good enough to publish
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
    |-- AwsUnavailable         AWS did not answer, or refused
    |   |-- AwsThrottled       it takes no more requests now
    |   |-- AwsRefused         it does not allow what was asked
    |   `-- CallbackClosed     nobody waits any more for what was answered
    |-- RetrainingError        a retraining cannot be started or read
    |   |-- RetrainRunning     another one runs
    |   |-- RetrainLost        it was late, and another one took its place
    |   |-- RetrainKeyReused   its key belongs to another request
    |   |-- RetrainUnavailable it cannot be started or read now
    |   `-- RetrainNotFound    its id is unknown
    |-- LabelsNotKept          labels cannot be written now
    |-- MetricsNotRead         the metrics of all environments cannot be read now
    |-- HistoryNotRead         versions and moves of the pointer cannot be read now
    |-- RegistryError          the registry cannot give what was asked
    |   |-- InvalidReference   a reference is not of the form v7@sha256:...
    |   |-- InvalidChallenger  a challenger is not the JSON of one
    |   |-- VersionNotFound    no such version
    |   |-- NoActiveVersion    the pointer names no version
    |   |-- ModelNotReady      the model is still loading, or could not be loaded
    |   |-- ModelCardAbsent    a version was published without a model card
    |   |-- ModelCardUnavailable   its model card cannot be fetched now
    |   |-- NotMonitored       a version was published without what traffic is compared with
    |   |-- ReportAbsent       the monitor has written no report
    |   |-- ReportUnavailable  its latest report cannot be read now
    |   |-- IntegrityError     stored bytes are not those their digest names
    |   |-- NumberTaken        somebody else published under the number at the same time
    |   |-- PointerMoved       somebody else moved the pointer at the same time
    |   |-- ChallengerMoved    somebody else changed the challenger at the same time
    |   |-- PromotionRefused   a version must not go live
    |   |-- ExperimentRefused  a version must not be put on trial, or not now
    |   `-- ExperimentEnded    the experiment is not under way any more
    |-- CodeRefused            a new version of the code must not take traffic
    `-- UnservableModel        a version cannot be served by this process
        |-- JoblibNotAllowed         it has no compiled form, and model.joblib may not be loaded here
        |-- IncompatibleEnvironment  it was trained by another scikit-learn
        |-- DoesNotFit               the memory is too small for it beside another version
        `-- GoldenMismatch           it does not score as it did in training

The command line adds `ServiceFailed`, for its own child process (`training/cli/local.py`).

Each carries what happened and what to do about it. The command line turns them into exit codes
(`training/cli/commands.py`), the service into HTTP problems (`layers/skylift/http/problems.py`).
"""

import dataclasses
import pickle
from dataclasses import dataclass
from typing import ClassVar

FOREIGN_FAILURES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    NameError,
    RuntimeError,
    SyntaxError,
    SystemExit,
    TypeError,
    ValueError,
    pickle.PickleError,
)
"""What estimators, pickles and converters raise when they fail: they have no common base class.

`SystemExit` is a pickle that calls `sys.exit`, which must not end who loads it, least of all as a success.
"""


class SkyliftError(Exception):
    """A failure with a cause and a next step.

    Parameters
    ----------
    message
        One sentence, without a full stop, that says what happened.
    hint
        The reader's next step; may be empty.
    """

    code: ClassVar[str] = "internal"
    """Stable kebab-case name for programs: the end of a problem's `type`, and `problem.code` of `/health`."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}: {self.hint}" if self.hint else self.message


class ConfigError(SkyliftError):
    """`model.yaml`, a setting or an argument is wrong."""

    code = "config-error"


class DataError(SkyliftError):
    """The table cannot be read or used for training."""

    code = "data-error"


class TrainingError(SkyliftError):
    """No candidate could be fitted."""

    code = "training-error"


class GateFailed(SkyliftError):
    """The trained model is not good enough to publish."""

    code = "gate-failed"


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


class AwsUnavailable(SkyliftError):
    """AWS did not answer in time, throttled, refused or is not configured."""

    code = "aws-unavailable"


class AwsThrottled(AwsUnavailable):
    """AWS takes no more requests now; what was asked did not happen."""

    code = "aws-throttled"


class AwsRefused(AwsUnavailable):
    """AWS does not allow what was asked: a policy lacks it, or the credentials are not valid."""

    code = "aws-refused"


class CallbackClosed(AwsUnavailable):
    """A durable execution no longer waits for what was answered: it was answered before, gave up, or never asked."""

    code = "callback-closed"


class RetrainingError(SkyliftError):
    """A retraining cannot be started or read."""

    code = "retraining-error"


class RetrainRunning(RetrainingError):
    """A retraining of the model runs already.

    Parameters
    ----------
    id
        Id of the one that runs.
    """

    code = "retrain-running"

    def __init__(self, id: str) -> None:  # noqa: A002 (the name of the document's member)
        super().__init__(f"the retraining {id} runs already", "wait until it has ended, or see how far it is")
        self.id = id


class RetrainLost(RetrainingError):
    """A retraining was late for its own time, and was taken for lost."""

    code = "retrain-lost"


class RetrainKeyReused(RetrainingError):
    """The key of a request belongs to another request."""

    code = "retrain-key-reused"


class RetrainUnavailable(RetrainingError):
    """The retraining cannot be started or read now."""

    code = "retrain-unavailable"


class RetrainNotFound(RetrainingError):
    """No retraining has this id."""

    code = "retrain-not-found"


class LabelsNotKept(SkyliftError):
    """Labels cannot be checked or written now; who sent them still has them."""

    code = "labels-not-kept"


class MetricsNotRead(SkyliftError):
    """The metrics of all environments cannot be read from CloudWatch now."""

    code = "metrics-not-read"


class HistoryNotRead(SkyliftError):
    """The versions and the moves of the pointer cannot be read now."""

    code = "history-not-read"


class RegistryError(SkyliftError):
    """The registry cannot give what was asked."""

    code = "registry-error"


class InvalidReference(RegistryError):
    """A reference is not of the form `v7@sha256:<64 hex digits>`."""

    code = "invalid-reference"


class InvalidChallenger(RegistryError):
    """A challenger is neither `none` nor the JSON of one."""

    code = "invalid-challenger"


class VersionNotFound(RegistryError):
    """No such version."""

    code = "version-not-found"


class NoActiveVersion(RegistryError):
    """The pointer names no version."""

    code = "no-active-version"


class ModelNotReady(RegistryError):
    """The model is still loading, or could not be loaded."""

    code = "no-model"


class ModelCardAbsent(RegistryError):
    """The version was published without a model card."""

    code = "no-model-card"


class ModelCardUnavailable(RegistryError):
    """The version's model card cannot be fetched, or is not the one that was published."""

    code = "no-model-card-now"


class NotMonitored(RegistryError):
    """Traffic cannot be compared with training: the version was published without its bins."""

    code = "not-monitored"


class ReportAbsent(RegistryError):
    """The monitor has written no report of the model."""

    code = "no-drift-report"


class ReportUnavailable(RegistryError):
    """The latest report cannot be read."""

    code = "no-drift-report-now"


class IntegrityError(RegistryError):
    """Stored bytes are not those their digest names."""

    code = "integrity-error"


class NumberTaken(RegistryError):
    """Somebody else published under the number of a version at the same time."""

    code = "number-taken"


class PointerMoved(RegistryError):
    """Somebody else moved the pointer at the same time."""

    code = "pointer-moved"


class ChallengerMoved(RegistryError):
    """Somebody else changed the challenger at the same time."""

    code = "challenger-moved"


class PromotionRefused(RegistryError):
    """A version may not go live."""

    code = "promotion-refused"


class ExperimentRefused(RegistryError):
    """A version may not be put on trial, or not now."""

    code = "experiment-refused"


class ExperimentEnded(RegistryError):
    """The experiment is not under way any more: somebody ended it, or moved the pointer."""

    code = "experiment-ended"


class CodeRefused(SkyliftError):
    """A new version of the service's code may not take the traffic."""

    code = "code-refused"


class UnservableModel(SkyliftError):
    """A version cannot be served by this process."""

    code = "unservable-model"


class JoblibNotAllowed(UnservableModel):
    """The version has no compiled form, and its `model.joblib` may not be loaded here: it could run any code."""

    code = "joblib-not-allowed"


class IncompatibleEnvironment(UnservableModel):
    """The version was trained by another scikit-learn than the one installed here."""

    code = "incompatible-environment"


class DoesNotFit(UnservableModel):
    """The memory is too small for the version beside the active one."""

    code = "does-not-fit"


class GoldenMismatch(UnservableModel):
    """The version does not score its golden requests as it did in training."""

    code = "golden-mismatch"
