"""What an event asks for: the same event, however often it comes, asks for the same retraining."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from skylift.errors import ConfigError
from skylift.references import sha256
from skylift.retraining.start import stamp
from skylift.retraining.state import Request, Rollout

_ALARM_DIGITS = 6
_LONGEST_NAME = 255


def request_of(event: Mapping[str, Any], *, rollout: Rollout, window: timedelta) -> Request | None:
    """What an event asks for; None if it asks for nothing, such as an alarm that ends.

    Parameters
    ----------
    event
        The schedule's, or one of EventBridge: an object that was created, or an alarm that changed its state.
    rollout
        What follows a published version.
    window
        Length of the windows of new data: all of one asks for one retraining, which begins when it is over.

    Raises
    ------
    ConfigError
        The event is another one.
    """
    try:
        source, time = event["source"], time_of(event)
        match source:
            case "skylift.schedule":
                return Request(id=f"schedule-{stamp(time)}", reason="schedule", rollout=rollout, by="schedule")
            case "aws.s3":
                seconds = int(window.total_seconds())
                begins = datetime.fromtimestamp(int(time.timestamp()) // seconds * seconds, UTC)
                return Request(
                    id=f"data-{stamp(begins)}",
                    reason="new data",
                    rollout=rollout,
                    by="new data",
                    collect_until=begins + window,
                )
            case "aws.cloudwatch":
                name, state = event["detail"]["alarmName"], event["detail"]["state"]["value"]
                digits = sha256(name.encode())[:_ALARM_DIGITS]
                reason = f"the alarm {name[:_LONGEST_NAME]}"
                request = Request(id=f"alarm-{stamp(time)}-{digits}", reason=reason, rollout=rollout, by="alarm")
                return request if state == "ALARM" else None
    except (KeyError, TypeError, ValueError) as error:
        raise _unknown(event) from error
    raise _unknown(event)


def time_of(event: Mapping[str, Any]) -> datetime:
    """Time of an event, UTC.

    Raises
    ------
    KeyError, TypeError, ValueError
        It has none.
    """
    return datetime.fromisoformat(event["time"]).astimezone(UTC)


def _unknown(event: Mapping[str, Any]) -> ConfigError:
    kind = event.get("detail-type") or event.get("source") if isinstance(event, Mapping) else type(event).__name__
    return ConfigError(
        f"this event asks for no retraining ({str(kind)[:100]})", "see docs/retraining.md for the events that do"
    )
