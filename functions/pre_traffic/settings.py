"""Settings of the hook, from the environment with the prefix `SKYLIFT_`."""

from pydantic import PositiveInt

from skylift.settings import RegistrySettings


class PreTrafficSettings(RegistrySettings):
    """Settings of the hook.

    Parameters
    ----------
    new_version
        ARN of the version of the service's function that is to get traffic.
    max_instances
        Largest number of instances in a request.
    """

    new_version: str
    max_instances: PositiveInt = 1000
