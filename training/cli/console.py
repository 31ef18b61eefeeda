"""What people see: tables that align, colours only on a terminal."""

import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from skylift.errors import SkyliftError
from skylift.figures import format_value

if TYPE_CHECKING:
    from skylift.manifest import Compiled, Manifest
    from skylift.references import Reference
    from skylift.verification import Version
    from training.job import Trained

_WIDTH_WITHOUT_TERMINAL = 120
_DIGEST_DIGITS = 12
_SHORT_DIGITS = 8
_MOST_METRICS = 6


class _Output(Console):
    """A console whose reader may leave, as `head` does: the command goes on and ends as it would."""

    def on_broken_pipe(self) -> None:
        """Write nothing from now on, neither here nor when the interpreter ends."""
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.file.fileno())
        os.close(nowhere)


out = _Output(highlight=False)
err = _Output(stderr=True, highlight=False)
for console in (out, err):
    if not console.is_terminal:
        console.width = _WIDTH_WITHOUT_TERMINAL


def warn(message: str, hint: str = "") -> None:
    """Tell what went wrong beside the work, on stderr, and what to do about it."""
    print_failure("warning", message, hint)


def print_failure(kind: Literal["error", "warning"], message: str, hint: str) -> None:
    """Print what went wrong, and what to do about it, as lines of their own on stderr."""
    style = {"error": "bold red", "warning": "bold yellow"}[kind]
    err.print(Text.assemble((f"{kind}: ", style), message), soft_wrap=True)
    if hint:
        err.print(Text.assemble(("hint: ", "bold cyan"), hint), soft_wrap=True)


def message_and_hint(error: SkyliftError | OSError) -> tuple[str, str]:
    """What happened, and what to do; an error of the system has no hint."""
    return (error.message, error.hint) if isinstance(error, SkyliftError) else (str(error), "")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str | None = None) -> Table:
    """A plain table; columns whose name ends in `#` hold numbers."""
    grid = Table(title=title, title_justify="left", title_style="bold", box=None, header_style="bold", pad_edge=False)
    for column in columns:
        numeric = column.endswith("#")
        grid.add_column(column.rstrip("#"), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(Text(cell) for cell in row))
    return grid


def facts(rows: Iterable[tuple[str, str]]) -> Table:
    """Names and what they are."""
    grid = Table(box=None, show_header=False, pad_edge=False)
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in rows:
        grid.add_row(name, Text(value))
    return grid


def print_notes(notes: Sequence[str]) -> None:
    """Print notes below what they are about; none print nothing."""
    if notes:
        out.print()
        out.print(facts(("note", note) for note in notes))


def short(reference: "Reference | str") -> str:
    """A reference with the first digits of its digest."""
    name, _, digest = str(reference).partition("@sha256:")
    return f"{name}@{digest[:_DIGEST_DIGITS]}" if digest else name


def when(moment: datetime) -> str:
    """A moment to the second, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def versions_table(versions: "Sequence[Version]", active: "Reference | None") -> Table:
    """Versions with the active one marked."""
    rows = []
    for version in versions:
        manifest = version.manifest
        cross_validated = manifest.metrics.cross_validated.get(manifest.select_by)
        holdout = manifest.metrics.holdout.get(manifest.select_by)
        rows.append(
            (
                "*" if version.reference == active else "",
                manifest.name,
                when(manifest.created_at)[:-3],  # to the minute: the table fits 80 columns
                manifest.selected,
                manifest.select_by,
                "none" if cross_validated is None else format_value(cross_validated.mean),
                "unknown" if holdout is None else format_value(holdout),
                version.reference.digest[:_SHORT_DIGITS],
            )
        )
    columns = ("", "version", "created (UTC)", "candidate", "metric", "cv#", "holdout#", "digest")
    return table(columns, rows)


def leaderboard_table(manifest: "Manifest | Trained") -> Table:
    """Candidates, best first."""
    metrics = [*next((entry.scores for entry in manifest.leaderboard if entry.scores), {})]
    if not metrics:
        return facts([("model", f"{manifest.selected}, which was not cross-validated")])
    ordered = [manifest.select_by, *(metric for metric in metrics if metric != manifest.select_by)][:_MOST_METRICS]
    rows: list[tuple[str, ...]] = []
    for entry in manifest.leaderboard:
        if entry.failure:
            rows.append((entry.candidate, "failed"))
        else:
            first, *rest = (entry.scores[metric] for metric in ordered)
            rows.append((entry.candidate, str(first), *(format_value(score.mean) for score in rest)))
    # names on several lines, so that so many metrics fit into a terminal of 80 columns
    names = (f"{metric.replace('_', chr(10))}#" for metric in ordered)
    board = table(("candidate", *names), rows, title="Candidates, cross-validated")
    # below the table: a sentence in a column of numbers would push all of them to the right
    failures = [f"{entry.candidate} failed: {entry.failure}" for entry in manifest.leaderboard if entry.failure]
    board.caption = Text("\n".join(failures)) if failures else None
    board.caption_justify = "left"
    return board


def manifest_facts(version: "Version") -> Table:
    """A version in short."""
    manifest, lineage = version.manifest, version.manifest.lineage
    commit = (
        "none"
        if lineage.git_commit is None
        else lineage.git_commit[:12] + (" with changes" if lineage.git_dirty else "")
    )
    features = ", ".join(
        f"{feature.name} ({feature.kind}{'' if feature.required else ', may be missing'})"
        for feature in manifest.contract.features
    )
    rows = [
        ("reference", str(version.reference)),
        ("created", f"{when(manifest.created_at)} UTC"),
        ("task", f"{manifest.contract.task} of {manifest.contract.target.name}"),
        ("features", features),
        ("candidate", manifest.selected),
        ("holdout", ", ".join(f"{name} {format_value(value)}" for name, value in manifest.metrics.holdout.items())),
        ("gates", ", ".join(f"{gate} {'passed' if gate.passed else 'FAILED'}" for gate in manifest.gates) or "none"),
        ("data", f"{lineage.data_rows} rows, sha256 {lineage.data_sha256[:_DIGEST_DIGITS]}"),
        (
            "split",
            f"{lineage.train_rows} training rows, {lineage.holdout_rows} holdout rows, "
            + (f"by {lineage.split}: {lineage.split_column}" if lineage.split_column else f"seed {lineage.seed}"),
        ),
        ("commit", commit),
        ("environment", ", ".join(f"{name} {number}" for name, number in manifest.environment.items())),
        ("files", ", ".join(f"{name} ({artifact.bytes:,} bytes)" for name, artifact in manifest.artifacts.items())),
        ("compiled", compiled_words(manifest.compiled)),
    ]
    if lineage.modules:
        rows.append(("own modules", ", ".join(lineage.modules)))
    return facts([*rows, *(("note", note) for note in lineage.notes)])


def compiled_words(compiled: "Compiled") -> str:
    """The compiled form, or the cost of not having one."""
    if compiled.format is None:
        return f"no ({compiled.reason}): served by scikit-learn, which starts and answers several times slower"
    if compiled.dtype is None:
        return f"{compiled.format}, {compiled.reason}"
    inexact = f"; not in the exact form ({compiled.reason})" if compiled.reason else ""
    return (
        f"{compiled.format} {compiled.dtype}, matches scikit-learn on {compiled.rows:,} rows "
        f"(largest difference {compiled.max_abs_diff:.1g}){inexact}"
    )


def _selected(manifest: "Manifest") -> str:
    best = manifest.metrics.cross_validated.get(manifest.select_by)
    if best is None:
        return f"{manifest.selected}, which was not cross-validated"
    return f"{manifest.selected}, {manifest.select_by} {format_value(best.mean)} cross-validated"


def up_facts(version: "Version", *, url: str, answer: str, log: str) -> Table:
    """What the main job did."""
    manifest, lineage = version.manifest, version.manifest.lineage
    rows = [
        ("page", f"{url}/ in a browser; for developers {url}/docs"),
        ("data", f"{lineage.data_rows} rows, {len(manifest.contract.features)} features"),
        ("selected", _selected(manifest)),
        ("holdout", ", ".join(f"{name} {format_value(value)}" for name, value in manifest.metrics.holdout.items())),
        ("gates", ", ".join(str(gate) for gate in manifest.gates) or "none"),
        ("compiled", compiled_words(manifest.compiled)),
        ("active", short(version.reference)),
        ("serving", url),
        ("first answer", answer),
        ("drift", f"{url}/drift-status, judged every half minute"),
        ("logs", log),
    ]
    return facts([*rows, *(("note", note) for note in lineage.notes)])
