"""Made-up texts in the manner of short messages, some of which want something."""

import csv
import io

import numpy as np

_COMMON = (
    "i you the to a and me it is in my for your of that have on are so at not can if u will no do get be we just go "
    "when know up good with now but what time want all out going how come got like day love tell see back about home"
)
_HAM = (
    "later sorry lunch mum class sleep tonight dinner meeting friend work really think thought maybe yeah haha wait "
    "leave train bus movie book tired happy birthday morning night week feel miss nice ok"
)
_SPAM = (
    "free prize claim win cash urgent call mobile offer winner guaranteed txt reply stop award awarded service "
    "bonus ringtone customer selected contact weekly tone chat"
)
_ENDS = (".", "...", "!", "?", " :)", " 😀")
_SPAM_SHARE = 0.15


def messages(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """Texts of two classes, `ham` and `spam`, the latter in about a seventh of them.

    Returns
    -------
    Pairs of class and text, almost all texts different.
    """
    rng = np.random.default_rng(seed)
    common, ham, wanting = _COMMON.split(), _HAM.split(), _SPAM.split()
    made = []
    for _ in range(count):
        spam = bool(rng.random() < _SPAM_SHARE)
        words = [*rng.choice(common, rng.integers(3, 9))]
        words += [*rng.choice(wanting if spam else ham, rng.integers(3, 6) if spam else rng.integers(1, 4))]
        words += [*rng.choice(ham if spam else wanting, rng.integers(0, 2))]
        words += [str(rng.integers(80_000, 90_000))] if spam else []
        rng.shuffle(words)
        made.append(("spam" if spam else "ham", f"{' '.join(words).capitalize()}{rng.choice(_ENDS)}"))
    return made


def messages_csv(count: int, seed: int = 0) -> str:
    """A table of nothing but texts and their class."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["type", "text"])
    writer.writerows(messages(count, seed))
    return file.getvalue()
