"""Whether a model answers what another one answers: its contract read by what callers of the other one send."""

from collections.abc import Iterator

from skylift.contract import Contract, class_key
from skylift.feature import Feature
from skylift.names import listed
from skylift.numerals import is_number
from skylift.values import fault

_ALSO = {"integer": "number"}
"""Kinds of which every value is one of another kind."""


def differences(before: Contract, after: Contract) -> list[str]:
    """What stands against asking another model instead, in words.

    Parameters
    ----------
    before
        Contract that callers keep to.
    after
        Contract of the model that is asked instead.

    Returns
    -------
    list of str
        One entry for each field and for the target; none where every request that the first one accepts is accepted,
        and the answers can be compared.

    Examples
    --------
    >>> from skylift.contract import Target
    >>> size, floor = (Feature(name=name, kind="integer", required=name == "size") for name in ("size", "floor"))
    >>> before, after = (
    ...     Contract(task="regression", features=(one,), target=Target(name="rent")) for one in (floor, size)
    ... )
    >>> differences(before, after)
    ['size: required, and not asked for so far', 'floor: unknown']
    """
    known = {feature.name: feature for feature in before.features}
    found = [
        f"{feature.name}: required, and not asked for so far"
        for feature in after.features
        if feature.required and feature.name not in known
    ]
    readable = {feature.name: feature for feature in after.features}
    for name, feature in known.items():
        if (other := readable.get(name)) is not None:
            found += [f"{name}: {words}" for words in _of_feature(feature, other)]
    found += [f"{spelling}: {words}" for spelling, words in _of_names(before, after)]
    return [*found, *_of_target(before, after)]


def _of_names(before: Contract, after: Contract) -> Iterator[tuple[str, str]]:
    """Names that a request may use, and that mean nothing or something else."""
    for spelling, name in before.spellings.items():
        if spelling != name and after.known_name(name) is None:
            continue  # which is told of its name
        meant = after.known_name(spelling)
        ignored = meant in after.ignored if meant else False
        if meant is None:
            yield spelling, "unknown"
        elif not ignored and name in before.ignored:
            yield spelling, "read, and ignored so far"
        elif not ignored and meant != name:
            yield spelling, f"read as {meant}"


def _of_feature(before: Feature, after: Feature) -> Iterator[str]:
    if after.kind not in {before.kind, _ALSO.get(before.kind)}:
        yield f"of the kind {after.kind}, not {before.kind}"
        return
    if after.required and not before.required:
        yield "required, and may be missing so far"
    if before.takes_unknown and not after.takes_unknown:
        yield "refuses values that training never saw"
    if refused := [name for name in before.texts if fault(after, name)]:
        yield f"refuses {listed(refused, write=repr)}"
    if None not in {before.max_length, after.max_length} and (after.max_length or 0) < (before.max_length or 0):
        yield f"takes texts of {after.max_length:,} characters only"
    if before.form != after.form:
        yield f"reads dates as {after.form}, not as {before.form}"
    if before.numerals not in {None, after.numerals}:
        yield "reads other texts as numbers"
    special = {*(before.missing or ()), *(after.missing or ())}
    values = [*special, *(float(text) for text in special if is_number(text))]
    if refused := sorted({str(value) for value in values if fault(after, value) and not fault(before, value)}):
        yield f"does not take {listed(refused, write=repr)} for a value"


def _of_target(before: Contract, after: Contract) -> Iterator[str]:
    name = before.target.name
    if before.task != after.task:
        yield f"{name}: a {after.task}, not a {before.task}"
    elif before.target.classes != after.target.classes:
        ours, theirs = ([class_key(each) for each in one.target.classes] for one in (before, after))
        new, gone = ([each for each in some if each not in others] for some, others in ((theirs, ours), (ours, theirs)))
        changes = [*(f"new {each!r}" for each in new), *(f"without {each!r}" for each in gone)]
        yield f"{name}: other classes ({', '.join(changes) or 'in another order'})"
    elif before.target.unit != after.target.unit:
        yield f"{name}: in {after.target.unit}, not in {before.target.unit}"
