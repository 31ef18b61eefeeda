"""The parameter that names the challenger, as those who write it use it."""

from contextlib import suppress

from skylift.challenger import Challenger, challenger_name
from skylift.errors import ChallengerMoved, InvalidChallenger
from skylift.parameter import Parameter
from skylift.references import NOTHING


class ChallengerParameter(Parameter):
    """The challenger's parameter of one model in one stage; one that does not exist names nothing."""

    named = staticmethod(challenger_name)
    what = "challenger"
    state = "on trial"
    again = "write it again"
    moved = ChallengerMoved

    def read(self) -> Challenger | None:
        """The version on trial; None without one.

        Raises
        ------
        InvalidChallenger
            Its value is neither `none` nor the JSON of a challenger.
        AwsUnavailable
            SSM failed.
        """
        return Challenger.parse(self.value())

    def write(self, challenger: Challenger | None, *, seen: str, tool: str) -> None:
        """Put a version on trial, change its share, or end its trial.

        Parameters
        ----------
        challenger
            Version on trial; None for none.
        seen
            Value that the decision was based on.
        tool
            What it is for and through which tool, for the history: `rejected by skylift reject`.

        Raises
        ------
        ChallengerMoved
            Somebody else wrote it meanwhile; the message says whether anything was written.
        AwsUnavailable
            SSM failed.
        """
        self._replace(NOTHING if challenger is None else str(challenger), seen=seen, description=tool)

    def short(self, value: str) -> str:
        """A value in words: `v8 (canary, 5%)`."""
        with suppress(InvalidChallenger):
            challenger = Challenger.parse(value)
            return NOTHING if challenger is None else challenger.words
        return value[:100]
