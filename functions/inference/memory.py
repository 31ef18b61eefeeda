"""Whether a challenger fits beside the champion: judged before it is loaded, because Lambda ends what needs too much.

A switch needs no more than without a challenger: the host lets go of that before it loads another version.
"""

import sys
from pathlib import Path

from inference.process_state import resident_bytes
from skylift.errors import DoesNotFit
from skylift.manifest import COMPILED_FILE, MODEL_FILE, Manifest
from skylift.vocabulary import ENCODING_FILE

_MIB = 2**20
_GROWTH = {COMPILED_FILE: (10, 22.0), MODEL_FILE: (3, 3.5)}
"""Most that loading takes by the form: MiB, and times the size of the file.

Measured: 8 MiB and 21 times for linear models, forests of up to 1,500 trees and boosting in onnxruntime, mostly while
its parser runs; 3 MiB and 3 times in joblib.
"""

_SCIKIT_LEARN_MIB = 150
_TIMES_VOCABULARY = 4  # its file, the arrays in it, and their terms by name
_CGROUP = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_UNLIMITED = 2**60


def growth_bytes(manifest: Manifest) -> int:
    """Most memory that loading a version may take, with scikit-learn where it needs that first."""
    file = COMPILED_FILE if manifest.compiled.format else MODEL_FILE
    fixed, times = _GROWTH[file]
    if file == MODEL_FILE and "sklearn" not in sys.modules:
        fixed += _SCIKIT_LEARN_MIB
    words = manifest.artifacts.get(ENCODING_FILE)
    return (
        fixed * _MIB + int(times * manifest.artifacts[file].bytes) + _TIMES_VOCABULARY * (words.bytes if words else 0)
    )


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


def limit_of_container() -> int | None:
    """Memory that the control group of this process may use, in bytes; None without a limit."""
    for file in _CGROUP:
        try:
            limit = int(file.read_text(encoding="ascii"))
        except (OSError, ValueError):  # no such file, or `max` in it
            continue
        return limit if limit < _UNLIMITED else None
    return None
