"""The event of an alarm, as EventBridge hands it over."""

from pydantic import AwareDatetime, BaseModel, Field

from skylift.going_back import Alarm


class State(BaseModel):
    """State of an alarm, since when, and why."""

    value: str
    timestamp: AwareDatetime
    reason: str = ""


class Detail(BaseModel):
    """Which alarm changed its state."""

    name: str = Field(alias="alarmName")
    state: State


class AlarmEvent(BaseModel):
    """`CloudWatch Alarm State Change`."""

    detail: Detail

    @property
    def fires(self) -> bool:
        """Whether the alarm fires, and has not just become quiet."""
        return self.detail.state.value == "ALARM"

    def alarm(self, prefix: str) -> Alarm:
        """The alarm, without the prefix of its stack; one of another stack keeps its whole name."""
        state = self.detail.state
        return Alarm(self.detail.name.removeprefix(prefix), state.timestamp, state.reason)
