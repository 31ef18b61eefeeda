"""Reads the cells of a table and the texts of a request: the one rule for both."""

import unicodedata

MISSING_WORDS = frozenset(
    (
        *("na", "n/a", "n.a.", "#n/a", "#na", "<na>", "nan", "null", "(null)", "\\n", "none", "nil"),
        *("?", "-", "--", ".", "unknown", "missing"),
        *("nat", "0000-00-00", "0000-00-00 00:00:00"),
    )
)
"""Words that people and programs write for a missing value, in lower case.

They count as missing only among numbers, booleans and dates: in a column of texts each may be a text (a country, a
class).
"""

TRUTHS = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}
"""What the cells of a boolean are, in lower case; a column of numbers alone is one where `model.yaml` says so."""

_LONGEST_COMPOSED = 100
"""Composing takes time by the square of the marks in a row: a text of a request would take minutes."""

LONGEST_WORD = max(map(len, MISSING_WORDS))


def clean_text(text: str) -> str | None:
    """Read a cell of text, or the name of a column.

    Returns
    -------
    Text without blanks around it, one of up to 100 letters in Unicode's composed form; None, a missing value, where
    nothing is left.

    Examples
    --------
    >>> clean_text(" M "), clean_text("  ")
    ('M', None)
    """
    stripped = text.strip()
    as_it_is = stripped.isascii() or len(stripped) > _LONGEST_COMPOSED
    return (stripped if as_it_is else unicodedata.normalize("NFC", stripped)) or None


def may_be_missing(text: str) -> bool:
    """Whether a cell holds a word for a missing value.

    Examples
    --------
    >>> may_be_missing("N/A"), may_be_missing("Norway")
    (True, False)
    """
    return text.casefold() in MISSING_WORDS
