"""Checks of the cells of a table by a pandera schema, made from a contract and `model.yaml`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, assert_never

import pandas as pd

from skylift.contract import Contract
from skylift.dates import date_form
from skylift.feature import Feature, Kind
from skylift.figures import exact_text
from training.config.table import FeatureSection
from training.data.checks import Finding, Severity
from training.data.clean import CleanTable
from training.data.doubts import odd_texts

if TYPE_CHECKING:
    import pandera.pandas as pa

_SHOWN = 5


def schema_of(feature: Feature | None, about: FeatureSection, column: "pd.Series[Any]") -> "pa.Column":
    """The pandera schema of a column, from the contract of an earlier version, `model.yaml` and the column itself.

    Parameters
    ----------
    feature
        Feature of the contract; None without a contract.
    about
        Section of the column in `model.yaml`.
    column
        Cleaned cells; where neither of the above names a kind, texts that are mostly numbers are checked as numbers.
    """
    import pandera.pandas as pa

    kind = about.kind or (feature.kind if feature else None)
    form = about.form or (feature.form if feature else None)
    checks = []
    if kind is None and pd.api.types.is_string_dtype(column.dtype) and odd_texts(column):
        # a single such text leaves decimal commas as they are in all others
        checks.append(pa.Check(_is_number_with_comma, name="types", n_failure_cases=_SHOWN))
    if kind is not None:
        checks.append(pa.Check(lambda cells: _is_kind(cells, kind, form), name="types", n_failure_cases=_SHOWN))
    if about.min is not None or about.max is not None:
        low, high = about.min, about.max
        checks.append(pa.Check(lambda cells: _within(cells, low, high), name="ranges", n_failure_cases=_SHOWN))
    if allowed := about.categories or (feature.texts if feature else ()):
        checks.append(pa.Check(lambda cells: _texts(cells).isin(allowed), name="categories", n_failure_cases=_SHOWN))
    return pa.Column(checks=checks, nullable=about.missing is not False and (feature is None or not feature.required))


def bad_cells(clean: CleanTable, sections: Mapping[str, FeatureSection], expected: Contract | None) -> list[Finding]:
    """Check the cells, a column at a time: the memory that pandera takes for one is free before the next.

    Parameters
    ----------
    expected
        Contract of an earlier version that the table must keep; values outside its ranges are warnings, as in the
        service.
    """
    from pandera.errors import SchemaErrors

    features = {feature.name: feature for feature in expected.features} if expected else {}
    findings = []
    for name in clean.frame.columns:
        if name == clean.target:
            continue
        column, about, feature = clean.frame[name], sections.get(name, FeatureSection()), features.get(name)
        schema = schema_of(feature, about, column).set_name(name)
        try:
            schema.validate(clean.frame[[name]], lazy=True)
        except SchemaErrors as errors:
            findings += [_finding(column, error, about, feature) for error in errors.schema_errors]
        if (
            feature is not None
            and feature.kind != "datetime"
            and feature.min is not None
            and (outside := ~_within(column, feature.min, feature.max)).any()
        ):
            findings.append(
                _bad_cells("ranges", "warning", column, outside, f"outside the earlier {feature.training_range}")
            )
    return findings


def _finding(column: "pd.Series[Any]", error: Any, about: FeatureSection, feature: Feature | None) -> Finding:
    check = getattr(error.check, "name", None)
    if check is None:  # pandera's own: the column may not have missing values
        return _bad_cells("nulls", "failed", column, column.isna(), "every row needs a value")
    messages = {
        "types": f"expected {about.kind or (feature.kind if feature else 'number')}",
        "ranges": _bounds(about.min, about.max),
        "categories": "unknown category",
    }
    # What nobody declared is a doubt; and what the service answers with a warning, a table may hold as well.
    undeclared = check == "types" and about.kind is None and feature is None
    answered = check == "categories" and not about.categories and feature is not None and feature.takes_unknown
    status: Severity = "warning" if undeclared or answered else "failed"
    return _bad_cells(
        check, status, column, ~error.check_output.reindex(column.index, fill_value=True), messages[check]
    )


def _bad_cells(
    check: str,
    status: Severity,
    column: "pd.Series[Any]",
    bad: "pd.Series[bool]",
    message: str,
) -> Finding:
    """A finding about cells, with the first of them."""
    cells = column[bad.to_numpy(dtype=bool)]
    first = cells.iloc[0]
    held = "is missing" if first is pd.NA else f"holds {first!r}" if isinstance(first, str) else f"holds {first}"
    more = f" ({len(cells) - 1:,} more cells)" if len(cells) > 1 else ""
    return Finding(
        check=check,
        status=status,
        column=str(column.name),
        message=f"{held} in row {int(cells.index[0]) + 1}: {message}{more}",
        count=len(cells),
        rows=tuple(int(row) + 1 for row in cells.index[:_SHOWN]),
    )


def _bounds(low: float | None, high: float | None) -> str:
    parts = [
        f"below {exact_text(low)}" if low is not None else "",
        f"above {exact_text(high)}" if high is not None else "",
    ]
    return " or ".join(part for part in parts if part)


def _is_kind(cells: "pd.Series[Any]", kind: Kind, form: str | None) -> "pd.Series[bool]":
    """Whether cells are written as a kind requires."""
    match kind:
        case "datetime":
            return (
                cells.notna() if form is None else cells.map(lambda cell: date_form(form).read(str(cell)) is not None)
            )
        case "number":
            return _numbers(cells).notna()
        case "integer":
            numbers = _numbers(cells)
            return numbers.notna() & (numbers == numbers.round())
        case "boolean":
            if pd.api.types.is_bool_dtype(cells.dtype):
                return pd.Series(data=True, index=cells.index)
            return _texts(cells).str.lower().isin(("true", "false", "1", "0", "1.0", "0.0"))
        case "category" | "text":  # any text; whether it is a known category is a check of its own
            return pd.Series(data=True, index=cells.index)
        case _:
            assert_never(kind)


def _is_number_with_comma(cells: "pd.Series[Any]") -> "pd.Series[bool]":
    return _is_kind(cells.str.replace(",", "."), "number", None)


def _within(cells: "pd.Series[Any]", low: float | None, high: float | None) -> "pd.Series[bool]":
    """Whether cells are within bounds, missing or not numbers: other checks report the last two."""
    numbers = _numbers(cells)
    inside = pd.Series(data=True, index=cells.index)
    if low is not None:
        inside &= ~(numbers < low)
    if high is not None:
        inside &= ~(numbers > high)
    return inside


def _numbers(cells: "pd.Series[Any]") -> "pd.Series[float]":
    if pd.api.types.is_bool_dtype(cells.dtype):
        return pd.Series(float("nan"), index=cells.index)
    if pd.api.types.is_numeric_dtype(cells.dtype):
        return cells.astype("Float64").astype("float64")
    codes, distinct = pd.factorize(cells.astype(object))
    numbers = pd.to_numeric(pd.Series([*distinct, None], dtype=object), errors="coerce").to_numpy(dtype=float)
    return pd.Series(numbers[codes], index=cells.index)


def _texts(cells: "pd.Series[Any]") -> "pd.Series[str]":
    return cells.astype("string[python]")
