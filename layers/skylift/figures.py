"""Numbers for people, written so that they say nothing wrong."""

from collections.abc import Sequence

LEAST_FIXED = 0.001
"""Least value that is shown with four decimals, which would be one significant digit or none of a smaller one."""

_LARGEST_PLAIN = 1e16
_ROUNDING_ERROR = 1e-12
_DIGITS_OF_A_DOUBLE = 17
_MOST_DIGITS = 12  # values that differ beyond differ by rounding errors


def exact_text(number: float) -> str:
    """Write a number in the shortest form that reads as the same number.

    Examples
    --------
    >>> exact_text(1238889), exact_text(0.1), exact_text(1e300)
    ('1238889', '0.1', '1e+300')
    """
    whole = number == round(number, 0) and abs(number) < _LARGEST_PLAIN
    return str(int(number)) if whole else repr(float(number))


def told_apart(values: Sequence[float]) -> list[str]:
    """Numbers that stand together: with four significant digits, or as many as tell apart those that differ.

    Examples
    --------
    >>> told_apart([1238889, 5.8433]), told_apart([1699999915.25, 1700000085.5])
    (['1239000', '5.843'], ['1699999900', '1700000100'])
    """
    texts: list[str] = []
    for digits in range(4, _MOST_DIGITS + 1):
        texts = [exact_text(float(f"{value:.{digits}g}")) for value in values]
        if len(set(texts)) == len(set(values)):
            break
    return texts


def exact_share(share: float) -> str:
    """Write a share as per cent, exactly.

    Examples
    --------
    >>> exact_share(0.07), exact_share(0.055)
    ('7%', '5.5%')
    """
    return f"{exact_text(round(100 * share, _DIGITS_OF_A_DOUBLE - 5))}%"


def per_cent(share: float) -> str:
    """A share for people, with one decimal where it is small.

    Examples
    --------
    >>> per_cent(0.123), per_cent(0.004), per_cent(0.0), per_cent(0.9999)
    ('12%', '0.4%', '0%', '100%')
    """
    percent = 100 * float(share)
    return f"{percent:.0f}%" if percent >= 9.95 or not percent else f"{percent:.1f}%"


def format_value(value: float) -> str:
    """A metric's value for people: four decimals, or four significant digits of a smaller one; rounding errors as 0.

    Examples
    --------
    >>> format_value(0.97), format_value(-1.5), format_value(0.0), format_value(0.00000123456)
    ('0.9700', '-1.5000', '0.0000', '1.235e-06')
    """
    if abs(value) < _ROUNDING_ERROR:
        return f"{0:.4f}"
    return f"{value:.4f}" if abs(value) >= LEAST_FIXED else f"{value:.4g}"


def apart(value: float, *others: float) -> str:
    """A metric's value as `format_value` writes it, with more digits where others that differ would read the same.

    Examples
    --------
    >>> apart(0.94996, 0.95), apart(0.95, 0.94996), apart(0.9, 0.95), apart(0.95, 0.95)
    ('0.94996', '0.95000', '0.9000', '0.9500')
    """
    different = [other for other in others if other != value]
    text = format_value(value)
    if all(format_value(other) != text for other in different):
        return text
    for digits in range(5, _DIGITS_OF_A_DOUBLE):
        text = f"{value:#.{digits}g}"
        if all(f"{other:#.{digits}g}" != text for other in different):
            return text
    return repr(float(value))
