"""Names in messages for people."""

from collections.abc import Callable, Sequence

MAX_LISTED = 50
"""How many names a message lists."""


def listed(names: Sequence[str], write: Callable[[str], str] = str) -> str:
    """List names for people, long lists shortened.

    Parameters
    ----------
    write
        Function from a name to its text in the list.

    Examples
    --------
    >>> listed(["a", "b"])
    'a, b'
    """
    rest = len(names) - MAX_LISTED
    return ", ".join(map(write, names[:MAX_LISTED])) + (f" and {rest} more" if rest > 0 else "")
