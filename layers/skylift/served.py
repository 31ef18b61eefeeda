"""What an environment serves by: the pointer and the challenger, read by one call of SSM.

One, because all environments of an account share 40 readings a second.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skylift.aws import aws_errors
from skylift.challenger import Challenger, challenger_name
from skylift.errors import InvalidChallenger
from skylift.pointer import pointer_name
from skylift.references import NOTHING, Reference

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


@dataclass(frozen=True, slots=True)
class Served:
    """Both parameters at one time.

    Parameters
    ----------
    active
        The champion; None before the first promotion.
    challenger
        The version on trial; None without one, and where the parameter cannot be read.
    fault
        What is wrong with the challenger's parameter; the pointer is read nevertheless.
    """

    active: Reference | None
    challenger: Challenger | None = None
    fault: InvalidChallenger | None = None


class ServedParameters:
    """The two parameters of one model in one stage.

    Parameters
    ----------
    stage
        Name of the stage, for example `dev`.
    model
        Name of the model.
    client
        Botocore client for SSM.
    """

    def __init__(self, stage: str, model: str, *, client: "SSMClient") -> None:
        self._pointer = pointer_name(stage, model)
        self._challenger = challenger_name(stage, model)
        self._client = client

    def read(self) -> Served:
        """What they hold now; a parameter that does not exist names no version.

        Raises
        ------
        InvalidReference
            The pointer's value is not a reference.
        AwsUnavailable
            SSM failed.
        """
        with aws_errors(f"reading the pointer {self._pointer}"):
            answer = self._client.get_parameters(Names=[self._pointer, self._challenger])
        values = {parameter["Name"]: parameter["Value"] for parameter in answer["Parameters"]}
        active = values.get(self._pointer, NOTHING)
        reference = None if active == NOTHING else Reference.parse(active)
        try:
            return Served(reference, Challenger.parse(values.get(self._challenger, NOTHING)))
        except InvalidChallenger as error:
            return Served(reference, fault=error)
