"""Brings the audit up to what SSM remembers: what is there already stays, what is missing is added."""

from datetime import datetime, timedelta

from skylift.audit import AuditEntry, AuditTrail, EntryId
from skylift.parameter import Parameter
from skylift.references import NOTHING

_WHOLE_SECONDS = timedelta(seconds=1)
"""Events tell their time in seconds, SSM in milliseconds."""


def catch_up(trail: AuditTrail, parameter: Parameter, *, event_id: str | None) -> list[AuditEntry]:
    """Add the changes of a parameter that the audit lacks.

    EventBridge hands over events at least once, in any order, and SSM sends them as well as it can: so an event only
    says that it is time to look, and what one run missed, the next one adds.

    Parameters
    ----------
    event_id
        Id of the event that made it look; None without one.

    Returns
    -------
    list of AuditEntry
        What was added. The first of them says how many changes before it SSM has forgotten.

    Raises
    ------
    AwsUnavailable
        SSM or S3 failed; what was added stays.
    """
    changes = parameter.changes()
    if not changes:
        return []
    name = parameter.name.rpartition("/")[2]
    known = {one for one in trail.ids() if one.name == name}
    earlier = [one for one in known if one.at < changes[0].at]
    last = max(earlier).number if earlier else 0
    forgotten = changes[0].number - 1 - (last if last < changes[0].number else 0)
    added = [
        AuditEntry.of(parameter.name, change, event_id=event_id, missing=0 if place else forgotten)
        for place, change in enumerate(changes)
        if EntryId(change.at, change.number, name) not in known
    ]
    return [entry for entry in added if trail.append(entry)]


def note_deletion(trail: AuditTrail, parameter: Parameter, at: datetime, *, event_id: str | None) -> AuditEntry | None:
    """Add the deletion of a parameter, with which SSM forgets who made it and everything before.

    Parameters
    ----------
    at
        Time of the event.

    Returns
    -------
    AuditEntry or None
        What was added; None if it was there, or SSM still remembers what came before: nothing was deleted then.

    Raises
    ------
    AwsUnavailable
        SSM or S3 failed.
    """
    if any(change.at < at for change in parameter.changes()):
        return None
    before = [
        entry for entry in trail.entries() if entry.parameter == parameter.name and entry.at < at + _WHOLE_SECONDS
    ]
    entry = AuditEntry(
        at=at,
        parameter=parameter.name,
        number=before[-1].number if before else 0,
        before=before[-1].after if before else NOTHING,
        after=NOTHING,
        description="deleted",
        event_id=event_id,
    )
    return entry if trail.append(entry) else None
