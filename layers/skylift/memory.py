"""How much memory there is, and how much loading a version takes."""

import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from skylift.manifest import COMPILED_FILE, MODEL_FILE, Manifest
from skylift.text_encoder import ENCODING_FILE

_MIB = 2**20
_GROWTH = {COMPILED_FILE: (10, 22.0), MODEL_FILE: (3, 3.5)}
"""Most that loading takes by the form: MiB, and times the size of the file.

Measured: 8 MiB and 21 times for linear models, forests of up to 1,500 trees and boosting in onnxruntime, mostly while
its parser runs; 3 MiB and 3 times in joblib.
"""

_SCIKIT_LEARN_MIB = 150
_TIMES_VOCABULARY = 4  # its file, the arrays in it, and their terms by name
_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")
_MEMORY = Path("/proc/meminfo")
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


def memory_there_is() -> int | None:
    """Memory that processes of this control group may use together, in bytes; None where nobody tells."""
    known = [limit for limit in (limit_of_container(), _available()) if limit is not None]
    return min(known, default=None)


def limit_of_container() -> int | None:
    """Memory that the control group of this process may use, or one that it is in, in bytes; None without a limit."""
    limits = [limit for file in _limit_files() if (limit := _number(file)) is not None and limit < _UNLIMITED]
    return min(limits, default=None)


def _limit_files() -> Iterator[Path]:
    """Files that may hold a limit: of version 2 of control groups, and of version 1."""
    try:
        own = dict(line.split(":", 2)[1:] for line in _OWN_GROUPS.read_text(encoding="utf-8").splitlines())
    except OSError:
        own = {}
    for root, name, controller in (
        (_GROUPS, "memory.max", ""),
        (_GROUPS / "memory", "memory.limit_in_bytes", "memory"),
    ):
        group = PurePosixPath(own.get(controller, "/"))
        for path in (group, *group.parents):  # a container may have its own group as the root
            yield root / path.relative_to("/") / name


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):  # no such file, or `max` in it
        return None


def _available() -> int | None:
    """What the system could give without swapping."""
    try:
        lines = _MEMORY.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = dict(line.split(":", 1) for line in lines)
    return int(found["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in found else None
