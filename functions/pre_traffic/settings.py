"""Settings of the hook, from the environment with the prefix `SKYLIFT_`."""

from skylift.settings import RegistrySettings


class PreTrafficSettings(RegistrySettings):
    """Settings of the hook.

    Parameters
    ----------
    new_version
        ARN of the version of the service's function that is to get traffic.
    """

    new_version: str
