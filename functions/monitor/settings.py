"""Settings of the monitor's function, from the environment with the prefix `SKYLIFT_`."""

from pydantic import PositiveInt

from skylift.settings import RegistrySettings


class MonitorSettings(RegistrySettings):
    """Settings of the function.

    Parameters
    ----------
    window_hours
        Length of a window in hours, the time from one run to the next.
    """

    window_hours: PositiveInt = 1
