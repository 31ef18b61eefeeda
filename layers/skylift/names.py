"""Names in messages for people: lists of them, and the one that was meant.

Python's `difflib` compares two names in a time that grows with the product of their lengths and worse, so that a few
chosen names of a wide table cost seconds. Here a name is first looked up without its case and punctuation; then few
known ones are compared with it, by the letters and pairs of letters that both have.
"""

from bisect import bisect
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter

MAX_LISTED = 50
"""How many names a message lists."""

MAX_LETTERS = 64
"""How many letters of a name are compared."""

_NEAR_ENOUGH = 0.4
"""Similarity from which a hint names one: `f1` may stand for `f1_macro`."""

_NEIGHBOURS = 8
"""How many names are compared of those before and behind a name in the alphabet, read from either end."""


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


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """A hint for a name that is not known: the nearest known one, or all of them.

    Examples
    --------
    >>> did_you_mean("gate", ["gates", "split"]), did_you_mean("x", ["gates", "split"])
    ("did you mean 'gates'?", 'there are: gates, split')
    """
    near = NearestNames(known).nearest(name, at_least=_NEAR_ENOUGH)
    return f"did you mean {near!r}?" if near else f"there are: {listed(known)}"


class NearestNames:
    """Names in which to look for one that is like another.

    Parameters
    ----------
    names
        Known names; of those that differ in case and punctuation alone, the first one is found.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._by_letters = {_letters(name): name for name in reversed(names)}
        self._few = names if len(names) <= 4 * _NEIGHBOURS else ()
        self._forwards = [] if self._few else sorted(names)
        self._backwards = [] if self._few else sorted(name[::-1] for name in names)

    def nearest(self, name: str, *, at_least: float = 0.5) -> str | None:
        """The known name that is most like a name; the name itself does not count.

        Parameters
        ----------
        at_least
            Similarity from which a name counts; see `similarity`.
        """
        name = name[:MAX_LETTERS]
        same = self._by_letters.get(_letters(name))
        if same and same != name:
            return same
        others = [candidate for candidate in self._candidates(name) if candidate != name]
        likeness, best = max(((similarity(name, other), other) for other in others), key=itemgetter(0), default=(0, ""))
        return best if likeness >= at_least else None

    def _candidates(self, name: str) -> Iterable[str]:
        if self._few:
            return self._few
        behind = (reverse[::-1] for reverse in _around(self._backwards, name[::-1]))
        return dict.fromkeys([*_around(self._forwards, name), *behind])


def similarity(one: str, other: str) -> float:
    """The share of letters, and of pairs of letters next to each other, that two names have in common.

    Returns
    -------
    From 0 to 1: the Sørensen-Dice coefficient of the two sets.

    Examples
    --------
    >>> similarity("petal_width", "petal_widht") > 0.8, similarity("age", "fare") < 0.5
    (True, True)
    """
    ours, theirs = _parts(one), _parts(other)
    return 2 * len(ours & theirs) / (len(ours) + len(theirs))


def _parts(name: str) -> set[str]:
    """Letters and pairs; the beginning and the end count as letters of a pair."""
    name = f"\n{name[:MAX_LETTERS].lower()}\n"
    return {*name, *map(str.__add__, name, name[1:])}


def _letters(name: str) -> str:
    """A name without its case and punctuation; as it is where nothing else is in it."""
    name = name[: 2 * MAX_LETTERS]
    return "".join(filter(str.isalnum, name.lower())) or name


def _around(ordered: list[str], name: str) -> list[str]:
    place = bisect(ordered, name)
    return ordered[max(place - _NEIGHBOURS, 0) : place + _NEIGHBOURS]
