"""Every failure Skylift reports on purpose.

    SkyliftError
    |-- ConfigError            model.yaml, a setting or an argument is wrong
    |-- DataError              the table cannot be read or used for training
    |-- TrainingError          no candidate could be fitted
    |-- GateFailed             the trained model is not good enough to publish
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

HTTP requests add those of `skylift/http/errors.py`, the command line `ServiceFailed`, for its own child process
(`training/cli/local.py`).

Each carries what happened and what to do about it. The command line turns them into exit codes
(`training/cli/commands.py`), the service into HTTP problems (`layers/skylift/http/problems.py`).
"""

import pickle
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
