"""`skylift data validate`: checks a table against its contract and `model.yaml`.

Cells are checked by a pandera schema, rows and columns as a whole by `training.data.checks`. What the service would
refuse in a request, or what makes training worthless, fails; what is only worth a look is a warning.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import to_json

from skylift.contract import Contract
from skylift.errors import ConfigError, DataError
from training.config.table import TableSpec, ValidateSection
from training.data.cell_checks import bad_cells
from training.data.checks import Finding, examine, missing_cells, refuse_failed
from training.data.clean import CleanTable, read_clean
from training.data.dates import odd_dates
from training.data.doubts import first_of
from training.data.encoded import encode_table
from training.data.reader import Progress
from training.data.split import read_labels, split_labels
from training.extras import require

CHECKS = (
    "columns",
    "types",
    "nulls",
    "ranges",
    "categories",
    "duplicates",
    "leakage",
    "rows per class",
    "class balance",
    "overlap",
    "learnable",
)


class Report(BaseModel):
    """The outcome of validating a table.

    Parameters
    ----------
    passed
        Whether no check failed.
    rows
        Number of rows checked.
    data_sha256
        SHA-256 of the file.
    checks
        Worst outcome of each check, by its name.
    findings
        All findings, failures first.
    notes
        Notes of cleaning.
    """

    model_config = ConfigDict(frozen=True)

    passed: bool
    rows: int
    data_sha256: str
    checks: dict[str, Literal["passed", "warning", "failed"]]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    def to_bytes(self) -> bytes:
        """The report as JSON."""
        return to_json(self, indent=2) + b"\n"

    def check(self) -> None:
        """Refuse a table that failed.

        Raises
        ------
        DataError
            With the first failure, and how many there are.
        """
        refuse_failed(self.findings)


def validate(spec: TableSpec, *, expected: Contract | None = None, progress: Progress = lambda _: None) -> Report:
    """Validate a table.

    Parameters
    ----------
    expected
        Contract of an earlier version that the table must keep.

    Raises
    ------
    DataError, ConfigError
        The table cannot be read, or pandera is not installed.
    """
    require("pandera.pandas", purpose="validating a table")
    progress(f"reading {spec.data.path.name}")
    clean = read_clean(spec, progress=progress)
    progress("checking cells")
    findings = [*_columns(clean, spec.bounds, expected), *bad_cells(clean, spec.features, expected)]
    notes = clean.notes
    try:
        # Cells that break what is declared are reported above, one by one: the other checks do without it.
        broken = any(finding.status == "failed" for finding in findings)
        labels = read_labels(clean, spec)
        table = encode_table(clean, labels, replace(spec, features={}) if broken else spec)
        notes = table.notes
        progress("checking rows and columns")
        split = split_labels(labels, holdout=spec.split.holdout, seed=spec.split.seed)
        positional = examine(table, split, spec.bounds)
        numbers = clean.frame.index
        findings += [
            finding.model_copy(update={"rows": tuple(int(numbers[row]) + 1 for row in finding.rows)})
            for finding in positional
        ]
    except DataError as error:
        findings.append(Finding(check="learnable", status="failed", message=str(error)))
    return _report(clean, findings, notes)


def read_contract(path: Path) -> Contract:
    """The contract in a manifest, as `skylift show v3 --json` prints it.

    Raises
    ------
    ConfigError
        The file cannot be read, or has no contract.
    """
    try:
        document = json.loads(path.read_bytes())
        return Contract.model_validate(document["contract"])
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror})", "name another with --contract") from error
    except (ValueError, ValidationError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} has no contract", "make one: skylift show v3 --json > contract.json") from error


def _columns(clean: CleanTable, bounds: ValidateSection, expected: Contract | None) -> list[Finding]:
    """Whether the columns are there, and hold enough."""
    findings = []
    if expected is not None:
        findings += [
            Finding(check="columns", status="failed", column=feature.name, message="is not in the table")
            for feature in expected.features
            if feature.name not in clean.frame.columns
        ]
        known = {feature.name for feature in expected.features} | {clean.target}
        findings += [
            Finding(check="columns", status="warning", column=str(name), message="is new to the contract")
            for name in clean.frame.columns
            if name not in known
        ]
    findings += missing_cells(clean.frame, bounds)
    for name in clean.frame.columns:
        column = clean.frame[name]
        if pd.api.types.is_string_dtype(column.dtype) and name != clean.target and (odd := odd_dates(column)):
            row, text = first_of(column, odd)
            message = f"holds {text!r} in row {row + 1}, and dates in most others"
            findings.append(Finding(check="types", status="warning", column=str(name), message=message))
    return findings


def _report(clean: CleanTable, findings: list[Finding], notes: tuple[str, ...]) -> Report:
    findings = sorted(findings, key=lambda finding: (finding.status, CHECKS.index(finding.check)))  # failed < warning
    worst: dict[str, Literal["passed", "warning", "failed"]] = dict.fromkeys(CHECKS, "passed")
    for finding in reversed(findings):
        worst[finding.check] = finding.status
    return Report(
        passed="failed" not in worst.values(),
        rows=len(clean.frame),
        data_sha256=clean.digest,
        checks=worst,
        findings=tuple(findings),
        notes=notes,
    )
