"""The Lambda entry: EventBridge calls it when an alarm of the stack fires."""

from auto_rollback.event import AlarmEvent
from auto_rollback.settings import AutoRollbackSettings
from auto_rollback.undoing import Undoing
from skylift.aws import lambda_client, s3_client, sns_client, ssm_client
from skylift.bucket import Bucket
from skylift.experiment.parameter import ChallengerParameter
from skylift.experiment.store import ExperimentStore
from skylift.experiment.trials import Trials
from skylift.notify import Notifier
from skylift.observability import logger, set_level
from skylift.pointer import ActivePointer
from skylift.registry import Registry


def handler(event: dict[str, object], _context: object = None) -> dict[str, str | None]:
    """Undo the last promotion if the alarm is a reason to, and tell people.

    A failure of AWS is Lambda's to report and to try again: what was done already is not done twice.

    Parameters
    ----------
    event
        `CloudWatch Alarm State Change`.

    Returns
    -------
    dict
        `to`, the version that is active again, or None; and `why`.
    """
    told = AlarmEvent.model_validate(event)
    settings = AutoRollbackSettings()
    set_level("INFO")
    alarm = told.alarm(settings.alarm_prefix)
    to, why = _undoing(settings).answer(alarm) if told.fires else (None, f"the alarm {alarm.name} became quiet")
    logger.info("alarm", extra={"alarm": alarm.name, "fired": alarm.at.isoformat(), "to": to, "why": why})
    return {"to": to, "why": why}


def _undoing(settings: AutoRollbackSettings) -> Undoing:
    s3, ssm = s3_client(), ssm_client(patient=True)
    bucket = Bucket(settings.bucket, client=s3)
    registry = Registry.open(settings, s3=s3, ssm=ssm)
    trials = Trials(
        registry,
        ChallengerParameter(settings.stage, settings.model, client=ssm),
        ExperimentStore(bucket, settings.model),
        tool="auto-rollback",
    )
    return Undoing(
        settings,
        ActivePointer(settings.stage, settings.model, client=ssm),
        registry,
        trials,
        Notifier(settings.topic_arn, client=sns_client()),
        bucket,
        client=lambda_client(),
    )
