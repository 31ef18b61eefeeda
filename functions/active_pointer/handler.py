"""The Lambda entry: CloudFormation calls it to create, update and delete `Custom::ActivePointer`.

Creating and updating make the pointer if it does not exist. Deleting leaves it, as the bucket is left: both are data,
and the stack is code.
"""

from typing import Any

from active_pointer.reply import reply
from skylift.aws import ssm_client
from skylift.errors import SkyliftError
from skylift.observability import logger
from skylift.pointer import ActivePointer, pointer_name


def handler(event: dict[str, Any], _context: object = None) -> None:
    """Make the pointer that the event names, and tell CloudFormation.

    Parameters
    ----------
    event
        CloudFormation's event, with `Stage` and `Model` in its `ResourceProperties`.
    """
    properties = event["ResourceProperties"]
    name = pointer_name(properties["Stage"], properties["Model"])
    failure: str | None = "unexpected: see the logs of the function"
    try:
        if event["RequestType"] != "Delete":
            made = ActivePointer(properties["Stage"], properties["Model"], client=ssm_client()).create()
            logger.info("pointer", extra={"pointer": name, "made": made})
        failure = None
    except SkyliftError as error:
        failure = str(error)
        logger.exception("the pointer could not be made", extra={"pointer": name})
    finally:  # also after an unexpected error: a stack whose resource says nothing hangs
        reply(event, physical_id=name, failure=failure)
