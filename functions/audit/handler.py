"""The Lambda entry: EventBridge calls it for each change of the two parameters, and a schedule once a day."""

from pydantic import AwareDatetime, BaseModel

from audit.catching_up import catch_up, note_deletion
from skylift.audit import AuditEntry, AuditTrail
from skylift.aws import s3_client, ssm_client
from skylift.bucket import Bucket
from skylift.experiment.parameter import ChallengerParameter
from skylift.observability import logger, set_level
from skylift.pointer import ActivePointer
from skylift.settings import RegistrySettings


class Detail(BaseModel):
    """What an event of Parameter Store says; a schedule says nothing."""

    name: str = ""
    operation: str = ""


class Event(BaseModel):
    """An event of EventBridge."""

    id: str
    time: AwareDatetime
    detail: Detail


def handler(event: dict[str, object], _context: object = None) -> dict[str, list[str]]:
    """Bring the audit up to what SSM remembers of both parameters, whichever the event is about.

    A failure is Lambda's to report and to try again; the next event adds what this one left.

    Parameters
    ----------
    event
        `Parameter Store Change` or `Scheduled Event`.

    Returns
    -------
    dict
        `added`: what was written, as the last parts of keys.
    """
    told = Event.model_validate(event)
    settings = RegistrySettings()
    set_level("INFO")
    ssm = ssm_client(patient=True)
    trail = AuditTrail(Bucket(settings.bucket, client=s3_client()), settings.model)
    added: list[AuditEntry] = []
    for parameter in (
        ActivePointer(settings.stage, settings.model, client=ssm),
        ChallengerParameter(settings.stage, settings.model, client=ssm),
    ):
        if told.detail.operation == "Delete" and told.detail.name == parameter.name:
            deletion = note_deletion(trail, parameter, told.time, event_id=told.id)
            added += [deletion] if deletion else []
        added += catch_up(trail, parameter, event_id=told.id)
    for entry in added:
        logger.info("audited", extra=entry.model_dump(mode="json"))
    return {"added": [str(entry.id) for entry in added]}
