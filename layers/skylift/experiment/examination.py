"""Whether a version may be put on trial: it may go live, and can be asked beside the champion or instead of it."""

from functools import partial

from skylift.compatibility import differences
from skylift.errors import ExperimentRefused
from skylift.footprint import check_memory, check_shadow, measure
from skylift.references import Reference
from skylift.registry import Registry
from skylift.verification import Version


def examine(
    registry: Registry,
    reference: Reference | str,
    champion: Version,
    *,
    shadow: bool,
    memory_mib: float | None = None,
) -> Version:
    """Examine a version as a challenger.

    Parameters
    ----------
    registry
        Registry of the model.
    reference
        Version to examine, or its name.
    champion
        Version that is active.
    shadow
        Whether its time is added to requests that the champion answers, and has to be short.
    memory_mib
        Memory of the service in MiB, which must be enough for both; None if it is not known.

    Returns
    -------
    Version
        The version.

    Raises
    ------
    ExperimentRefused
        It is the champion, refuses what that accepts, answers something else, or takes too long in a shadow.
    PromotionRefused
        It may not go live, or both do not fit.
    InvalidReference, VersionNotFound, IntegrityError
        There is no such version, or its manifest is not the one the reference names.
    """
    version = registry.version(reference)
    name, before = version.reference.name, champion.reference.name
    if version.reference == champion.reference:
        raise ExperimentRefused(f"{name} is the active version", "name another one: `skylift versions`")
    if found := differences(champion.manifest.contract, version.manifest.contract):
        raise ExperimentRefused(
            f"{name} cannot be asked what {before} is asked: {'; '.join(found)}",
            f"train it on the same fields, or promote it once callers have changed: skylift promote {name}",
        )
    registry.examine(version.reference)
    read = partial(registry.artifact, version)
    if shadow:
        check_shadow(version, read)
    if memory_mib is not None:
        check_memory(version, read, memory_mib, beside=measure(champion, partial(registry.artifact, champion)))
    return version
