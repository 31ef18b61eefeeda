"""Whether a challenger fits beside the champion: judged before it is loaded, because Lambda ends what needs too much.

A switch needs no more than without a challenger: the host lets go of that before it loads another version.
"""

from inference.process_state import resident_bytes
from skylift.errors import DoesNotFit
from skylift.manifest import Manifest
from skylift.memory import growth_bytes

_MIB = 2**20


def check_room(manifest: Manifest, limit: int | None) -> None:
    """Refuse a version that may not fit beside what is in memory.

    Parameters
    ----------
    limit
        Memory of this environment in bytes; None where it is not known.

    Raises
    ------
    DoesNotFit
        The message has the figures.
    """
    resident = resident_bytes()
    if limit is None or resident is None:
        return
    needed = resident + growth_bytes(manifest)
    if needed > limit:
        raise DoesNotFit(
            f"{manifest.name} does not fit beside the active version: loading it may need "
            f"{needed / _MIB:.0f} MiB, and there are {limit / _MIB:.0f}",
            "deploy with a larger MemorySize, or train a smaller model",
        )
