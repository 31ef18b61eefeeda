"""`skylift history`: every change of the pointer and of the challenger, as SSM and the audit know it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import typer
from rich.table import Table

from skylift.references import NOTHING
from training.cli.console import out, table, warn, when
from training.cli.options import DEFAULT_CONFIG, ConfigOption, JsonFlag, StackOption

if TYPE_CHECKING:
    from skylift.audit import AuditEntry
    from skylift.parameter import Change, Parameter

type Known = Literal["both", "SSM", "audit"]


@dataclass(frozen=True, slots=True)
class Told:
    """One change, and who knows of it.

    Parameters
    ----------
    entry
        The change.
    known_to
        Keepers that know of it.
    disagreement
        What is wrong with that, in words; None for nothing.
    """

    entry: "AuditEntry"
    known_to: Known
    disagreement: str | None = None


def history(as_json: JsonFlag = False, config: ConfigOption = DEFAULT_CONFIG, stack: StackOption = None) -> None:
    """Show who changed pointer and challenger, when, from what to what, and where SSM and the audit disagree."""
    from skylift.audit import AuditTrail
    from skylift.aws import s3_client, ssm_client
    from skylift.bucket import Bucket
    from skylift.experiment.parameter import ChallengerParameter
    from skylift.pointer import ActivePointer
    from training.cli.connection import registry_settings

    settings = registry_settings(stack, config)
    ssm = ssm_client(patient=True)
    parameters: list[Parameter] = [
        kind(settings.stage, settings.model, client=ssm) for kind in (ActivePointer, ChallengerParameter)
    ]
    changes = {parameter.name: parameter.changes() for parameter in parameters}
    audit = AuditTrail(Bucket(settings.bucket, client=s3_client()), settings.model).read()
    for fault in audit.faults:
        warn(fault.message, fault.hint)
    known = merged(changes, [entry for entry in audit.entries if entry.parameter in changes])
    if as_json:
        typer.echo(json.dumps([_document(told) for told in known], indent=2))
        return
    shown = [told for told in known if (told.entry.before, told.entry.after) != (NOTHING, NOTHING)]
    if not shown:
        out.print("The pointer was never moved. Move it: skylift promote v1")
        return
    out.print(_table(shown, {parameter.name: parameter for parameter in parameters}))
    for told in shown:
        if told.disagreement:
            warn(f"{when(told.entry.at)} {told.entry.parameter}: {told.disagreement}")


def merged(changes: "Mapping[str, Sequence[Change]]", audit: "Sequence[AuditEntry]") -> list[Told]:
    """What SSM and the audit know, by time.

    SSM forgets: only the last hundred values are left, and none of a parameter that was deleted. So it has to know what
    is later than its oldest value; and the audit, if it is kept, all.

    Parameters
    ----------
    changes
        Changes that SSM knows, by the name of the parameter.
    audit
        Entries of these parameters.
    """
    from skylift.audit import AuditEntry

    of_ssm = {
        entry.id: entry for name, known in changes.items() for entry in (AuditEntry.of(name, each) for each in known)
    }
    of_audit = {entry.id: entry for entry in audit}
    oldest = {name: known[0].at for name, known in changes.items() if known}
    told = []
    for id in sorted({*of_ssm, *of_audit}):  # noqa: A001
        ours, theirs = of_ssm.get(id), of_audit.get(id)
        if ours is not None:
            told.append(_told(ours, theirs, audited=bool(audit)))
        elif theirs is not None:
            begins = oldest.get(theirs.parameter)
            forgotten = theirs.by is None or begins is None or theirs.at < begins
            told.append(Told(theirs, "audit", _missed(theirs) if forgotten else "SSM does not know of it"))
    return told


def _told(ours: "AuditEntry", theirs: "AuditEntry | None", *, audited: bool) -> Told:
    if theirs is None:
        return Told(
            ours, "SSM", "the audit lacks it; it is written within a minute, or within a day" if audited else None
        )
    differ = [name for name in ("before", "after", "by") if getattr(ours, name) != getattr(theirs, name)]
    return Told(theirs, "both", f"SSM and the audit differ in: {', '.join(differ)}" if differ else _missed(theirs))


def _missed(entry: "AuditEntry") -> str | None:
    return f"{entry.missing} changes right before it were never written down" if entry.missing else None


def _table(known: Iterable[Told], parameters: "Mapping[str, Parameter]") -> Table:
    """Changes for people, newest first."""
    rows = [
        (
            when(told.entry.at),
            told.entry.by or "unknown",
            parameters[told.entry.parameter].short(told.entry.before),
            parameters[told.entry.parameter].short(told.entry.after),
            (told.entry.description or "").partition(": ")[0],
            told.known_to,
        )
        for told in reversed(list(known))
    ]
    return table(("when (UTC)", "who", "from", "to", "what for", "known to"), rows)


def _document(told: Told) -> dict[str, Any]:
    return told.entry.model_dump(mode="json") | {"known_to": told.known_to, "disagreement": told.disagreement}
