"""What callers may send as the value of a feature: a JSON value of its kind, or a text as its column has it.

`clean` reads a text as training reads a cell of the table; `fault` says why a value is refused. The service's fast way
(`inference.schema`) takes the same values; whatever else reads rows by a contract calls these two.
"""

import json
import math
from dataclasses import dataclass
from functools import cache
from typing import assert_never

from skylift.cells import TRUTHS, clean_text, may_be_missing
from skylift.feature import LARGEST_NUMBER, Feature
from skylift.figures import exact_text
from skylift.names import MAX_LISTED
from skylift.numerals import Numerals, is_number


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a value is refused.

    Parameters
    ----------
    reason
        Stable code: `wrong_type`, `not_finite`, `too_large`, `unknown_category`, `invalid_date` or `too_long`.
    message
        What was expected, for people.
    """

    reason: str
    message: str


def clean(feature: Feature, value: object) -> object:
    """Read a value: a text as training reads a cell, and None for whatever stands for a missing value.

    A number or a boolean may be a text only where the table has texts among them: elsewhere it can be sent as such.

    Parameters
    ----------
    value
        Any JSON value; what cannot be read stays as it is.

    Examples
    --------
    >>> clean(Feature(name="sex", kind="category", categories=("F", "M")), "M ")
    'M'
    >>> share = Feature(name="share", kind="number", numerals=Numerals(unit="%"), missing=("-9",))
    >>> clean(share, "5.1%"), clean(share, "n/a"), clean(share, -9), clean(share, "much")
    (5.1, None, None, 'much')
    """
    if isinstance(value, str):
        if value in feature.codes:  # also with blanks, in versions of older releases
            return value
        text = clean_text(value)
        if text is None or (feature.missing and text in feature.missing):
            return None
        if feature.kind in {"category", "text"}:
            return text
        if may_be_missing(text):
            return None
        value = text if feature.numerals is None else _read(feature, text, feature.numerals)
    if feature.missing and isinstance(value, int | float) and not isinstance(value, bool):
        return None if value in _numbers(feature.missing) else value
    return value


def has_missing_number(feature: Feature) -> bool:
    """Whether a number may stand for a missing value, such as -999."""
    return bool(missing_numbers(feature))


def missing_numbers(feature: Feature) -> frozenset[float]:
    """The numbers that stand for a missing value, such as -999."""
    return _numbers(feature.missing or ()) if feature.is_numeric else frozenset()


@cache
def _numbers(texts: tuple[str, ...]) -> frozenset[float]:
    """The numbers among texts for missing."""
    return frozenset(float(text) for text in texts if is_number(text))


def _read(feature: Feature, text: str, numerals: Numerals) -> bool | float | str:
    """The number or boolean that a text is; the text where it is neither."""
    if feature.kind == "boolean":
        return TRUTHS.get(text.lower(), text)
    plain = numerals.plain(text)
    return float(plain) if is_number(plain) else text


def fault(feature: Feature, value: object) -> Fault | None:
    """Why a value is refused; None where it is valid.

    Parameters
    ----------
    value
        Any JSON value, as it was sent.

    Examples
    --------
    >>> fault(Feature(name="age", kind="integer"), 2.5)
    Fault(reason='wrong_type', message='expected an integer')
    """
    if is_too_long(feature, value):
        return Fault("too_long", f"it has {len(str(value)):,} characters: {_expected(feature)}")
    cleaned = clean(feature, value)
    if cleaned is None:
        return None if not feature.required else Fault("wrong_type", f"{_missing(value)}: {_expected(feature)}")
    return _fault_of_kind(feature, cleaned)


def is_too_long(feature: Feature, value: object) -> bool:
    """Whether free text has more characters than it may have, blanks included."""
    return feature.max_length is not None and isinstance(value, str) and len(value) > feature.max_length


def _fault_of_kind(feature: Feature, cleaned: object) -> Fault | None:
    match feature.kind:
        case "number" | "integer":
            return _fault_of_number(feature, cleaned)
        case "boolean":
            return None if isinstance(cleaned, bool) else _wrong_type(feature, cleaned)
        case "category":
            return _fault_of_category(feature, cleaned)
        case "datetime":
            return _fault_of_date(feature, cleaned)
        case "text":
            return None if isinstance(cleaned, str) else _wrong_type(feature, cleaned)
        case _:
            assert_never(feature.kind)


def _fault_of_category(feature: Feature, value: object) -> Fault | None:
    if not isinstance(value, str):
        return _wrong_type(feature, value)
    if feature.takes_unknown or value in feature.codes:
        return None
    near = feature.names.nearest(value) if len(feature.texts) > MAX_LISTED else None
    meant = f"did you mean {near!r}? " if near is not None else ""
    return Fault("unknown_category", f"{meant}{_expected(feature)}")


def _fault_of_number(feature: Feature, value: object) -> Fault | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _wrong_type(feature, value)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        return Fault("not_finite", _expected(feature))
    if abs(number) > LARGEST_NUMBER:
        return Fault("too_large", f"its size is beyond {LARGEST_NUMBER:.1e}: {_expected(feature)}")
    if feature.kind == "integer" and not number.is_integer():
        return Fault("wrong_type", _expected(feature))
    return None


def _fault_of_date(feature: Feature, value: object) -> Fault | None:
    form = feature.dates[0]
    if form.read(value) is not None:
        return None
    if not isinstance(value, str):
        return Fault("wrong_type", _expected(feature))
    return Fault("invalid_date", f"{form.doubt(value)}: {_expected(feature)}")


def _wrong_type(feature: Feature, value: object) -> Fault:
    """The fault of a value of another type; with what to send where it can only mean one value."""
    meant = _meant(feature, value) if isinstance(value, bool | int | float | str) else None
    expected = "expected a string" if meant and feature.json_type == "string" else _expected(feature)
    return Fault("wrong_type", f"{expected}: send {meant}" if meant else expected)


def _meant(feature: Feature, value: bool | float | str) -> str | None:
    """The JSON of the one value that a value of another type can mean; None where no level is like it."""
    if feature.is_numeric:
        number = float(value) if isinstance(value, str) and is_number(value.strip()) else math.nan
        return (
            exact_text(number) if number.is_integer() or (feature.kind == "number" and math.isfinite(number)) else None
        )
    text = str(int(value) if isinstance(value, float) and value.is_integer() else value).strip()
    if feature.kind == "boolean":
        return str(TRUTHS[text.lower()]).lower() if text.lower() in TRUTHS else None
    level = next((level for level in (text, text.lower(), text.upper()) if level in feature.codes), None)
    return None if level is None else json.dumps(level, ensure_ascii=False)


def _missing(value: object) -> str:
    """What was sent for a missing value, and that it is not allowed."""
    if value is None:
        return "null is not allowed"
    shown = clean_text(value) if isinstance(value, str) else value  # blanks around a text may be megabytes
    return "a blank is not allowed" if shown is None else f"{shown!r} counts as missing, which is not allowed"


def _expected(feature: Feature) -> str:
    return f"expected {feature.expectation}"
