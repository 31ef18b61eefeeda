"""Memory and time that a version needs, measured where nothing else is: in a process of its own, without rights.

That process runs this module in a folder of `skylift.image_cache`, and answers with the footprint as JSON.
"""

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from subprocess import SubprocessError
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from skylift.confined_process import Limits, answer_of_process, begin
from skylift.errors import ExperimentRefused, PromotionRefused
from skylift.image_cache import ImageCache, bake
from skylift.references import Reference
from skylift.verification import Version

if TYPE_CHECKING:
    from skylift.scoring import Matrix, Predictor

SERVICE_MIB = 50.0
"""What the service holds beside the packages that load and score a version."""

SHADOW_MS = 5.0
"""Longest time that scoring a row in the shadow may add to a request."""

_STATUS = Path("/proc/self/status")
_STEP_MIB = 128
_TIMED = 21


@dataclass(frozen=True, slots=True)
class Footprint:
    """Memory of one version in MiB, and its time.

    Parameters
    ----------
    base
        Resident before it is loaded, with the packages that it needs.
    rest
        Resident because of it once it is loaded and has scored its golden requests.
    peak
        Most that was resident because of it meanwhile.
    row_ms
        Time to score one row, in milliseconds: the median of several.
    """

    base: float
    rest: float
    peak: float
    row_ms: float = 0.0

    def beside(self, other: "Footprint") -> float:
        """What a service needs that loads it beside another one."""
        return max(self.base, other.base) + SERVICE_MIB + other.rest + max(self.peak, self.rest)


def check_memory(
    version: Version, read: Callable[[str], bytes], memory_mib: float, *, beside: Footprint | None = None
) -> None:
    """Refuse a version that a service of this size could not load beside the one in place.

    Parameters
    ----------
    read
        Function that returns a file of the version by name, checked against its manifest.
    memory_mib
        Memory of the service in MiB.
    beside
        Footprint of the version in place; by default one like it.

    Raises
    ------
    PromotionRefused
        It does not fit, or could not be measured; the message has the figures.
    """
    if not _STATUS.exists():  # only Linux tells
        return
    footprint = measure(version, read)
    other = beside or footprint
    needed = footprint.beside(other)
    if needed > memory_mib:
        enough = -(-needed * 1.1 // _STEP_MIB) * _STEP_MIB
        when = "while it takes over from a version like it" if beside is None else "beside the active version"
        raise PromotionRefused(
            f"{version.reference.name} does not fit: {when}, the service needs "
            f"{needed:.0f} MiB and has {memory_mib:.0f} ({max(footprint.base, other.base) + SERVICE_MIB:.0f} for "
            f"itself, {other.rest:.0f} for a version, {footprint.peak:.0f} while one loads)",
            f"deploy with MemorySize={enough:.0f}, train a smaller model, or promote with --ignore-memory where "
            "environments are restarted instead",
        )


def check_shadow(version: Version, read: Callable[[str], bytes]) -> None:
    """Refuse a version that would slow down the requests that it scores in the shadow.

    A compiled form takes microseconds, and is not measured.

    Parameters
    ----------
    read
        Function that returns a file of the version by name, checked against its manifest.

    Raises
    ------
    ExperimentRefused
        It takes longer than `SHADOW_MS`.
    PromotionRefused
        It could not be measured.
    """
    if version.manifest.compiled.format or not _STATUS.exists():
        return
    row_ms = measure(version, read).row_ms
    if row_ms > SHADOW_MS:
        raise ExperimentRefused(
            f"{version.reference.name} is not compiled: in the shadow it would add {row_ms:.0f} ms to each request, "
            f"more than {SHADOW_MS:g}",
            "train one that compiles, begin with a canary, or add --force",
        )


def measure(version: Version, read: Callable[[str], bytes]) -> Footprint:
    """Load and score a version in another process, and measure that.

    Raises
    ------
    PromotionRefused
        It ended without a result.
    """
    with TemporaryDirectory(prefix="skylift-footprint-") as folder:
        bake(version, read, Path(folder))
        limits = Limits.of(sum(artifact.bytes for artifact in version.manifest.artifacts.values()))
        arguments = (version.manifest.model, str(version.reference))
        try:
            figures = json.loads(answer_of_process("skylift.footprint", Path(folder), limits, arguments))
            return Footprint(**{name: float(figure) for name, figure in figures.items()})
        except (SubprocessError, AttributeError, TypeError, ValueError) as error:
            raise PromotionRefused(
                f"the memory of {version.reference.name} cannot be measured: it could not be loaded in a process of "
                f"its own ({type(error).__name__})",
                "see whether this machine has enough memory, or promote with --ignore-memory",
            ) from error


def main() -> None:
    """Load the version that the arguments name, and answer with its footprint."""
    process = begin()
    model, text = process.arguments
    reference = Reference.parse(text)
    with ImageCache(Path.cwd(), model).open_version(reference) as (manifest, read):
        import skylift.predictors  # what the service has in memory before it loads one
        from skylift.encoding import load_encoder

        import_module("onnxruntime" if manifest.compiled.format else "sklearn.utils")
        base = _resident("VmRSS")
        encoder = load_encoder(manifest, read)
        predictor = skylift.predictors.load_predictor(manifest, read, encoder)
        footprint = Footprint(
            base,
            max(_resident("VmRSS") - base, 0.0),
            max(_resident("VmHWM") - base, 0.0),
            _row_ms(predictor, encoder.encode(manifest.golden.instances[:1])),
        )
    with process.answer as file:
        file.write(json.dumps(asdict(footprint)).encode())
    del predictor  # not before it was measured


def _row_ms(predictor: "Predictor", row: "Matrix") -> float:
    times = []
    for _ in range(_TIMED):
        begun = time.perf_counter()
        predictor.scores(row)
        times.append(time.perf_counter() - begun)
    return 1000 * statistics.median(times)


def _resident(name: str) -> float:
    """A figure of this process's memory in MiB."""
    (line,) = (line for line in _STATUS.read_text(encoding="ascii").splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
