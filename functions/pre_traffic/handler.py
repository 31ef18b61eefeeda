"""The Lambda entry: CodeDeploy calls it before the alias moves, and waits for the result."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from pre_traffic.check import check
from pre_traffic.service import NewService
from pre_traffic.settings import PreTrafficSettings
from skylift.aws import aws_errors, codedeploy_client, error_code, lambda_client, s3_client, ssm_client
from skylift.errors import SkyliftError
from skylift.observability import logger
from skylift.pointer import ActivePointer
from skylift.store import VersionStore

if TYPE_CHECKING:
    from mypy_boto3_codedeploy.literals import LifecycleEventStatusType

ANSWER_SECONDS = 30.0
"""Longer than a start and the service's own time limit. The rounds of `check` then fit into the hook's five minutes."""

_TOO_LATE = "LifecycleEventAlreadyCompletedException"
"""An alarm or a person stopped the deployment meanwhile, or Lambda calls the hook again after it told."""


def handler(event: dict[str, str], _context: object = None) -> dict[str, str]:
    """Check the new version and tell CodeDeploy.

    Parameters
    ----------
    event
        CodeDeploy's event: `DeploymentId` and `LifecycleEventHookExecutionId`.

    Returns
    -------
    What CodeDeploy was told, or would have been if the deployment had not ended meanwhile, and why.

    Raises
    ------
    AwsUnavailable
        CodeDeploy could not be told. It fails the deployment by itself when its own time is up.
    """
    status: LifecycleEventStatusType = "Failed"
    try:
        outcome = _check()
        status = "Succeeded"
        logger.info("the new version may take traffic", extra={"found": outcome})
    except SkyliftError as error:
        outcome = str(error)
        logger.exception("the new version may not take traffic", extra={"found": outcome})
    finally:  # also after an unexpected error: a deployment whose hook says nothing hangs for an hour
        _tell(event, status)
    return {"status": status, "found": outcome}


def _check() -> str:
    settings = PreTrafficSettings()
    return check(
        ActivePointer(settings.stage, settings.model, client=ssm_client()),
        VersionStore(settings.bucket, settings.model, client=s3_client()),
        NewService(settings.new_version, client=lambda_client(answer_seconds=ANSWER_SECONDS)),
    )


def _tell(event: dict[str, str], status: "LifecycleEventStatusType") -> None:
    with aws_errors("telling CodeDeploy"):
        try:
            codedeploy_client().put_lifecycle_event_hook_execution_status(
                deploymentId=event["DeploymentId"],
                lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
                status=status,
            )
        except ClientError as error:
            if error_code(error) != _TOO_LATE:
                raise
            logger.info("CodeDeploy waits for no word: the deployment has ended", extra={"status": status})
