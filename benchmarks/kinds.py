"""What a feature adds to one row in the handler: contracts of the same numbers, with and without it.

Each request holds another moment, or another text, of more than are remembered; days repeat, as those of requests do.
One more number shows what of it any feature costs.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.handler import Effort, Worker
from benchmarks.measuring import Calls, summary, turns
from benchmarks.models import Model, Models, WrongAnswer, predict_event
from benchmarks.results import Series
from benchmarks.services import Services
from skylift.feature import Scalar
from training.config.table import FeatureSection

NUMBERS, NUMBER, CATEGORY = "numbers alone", "one more number", "a category"
DAY, OWN, WORDS, UNKNOWN = "a date", "a date in the table's form", "a text", "unknown words"
LETTERS = 200

_ROWS = 1_000
_NUMBERS = 4
_DAYS = 1_000
_SENT = 1_500
_SEED = 42
_FORM = "%d.%m.%Y %H:%M"
_FIRST = datetime(2023, 1, 1)  # noqa: DTZ001 (a day of a table)
_NAMES = ("north", "east", "south", "west")
_ALPHABET = [*"abcdefghijklmnopqrstuvwxyz"]


def measure(services: Services, models: Models, effort: Effort) -> Series:
    """Time requests of one row, in microseconds, by what their contract has.

    Raises
    ------
    WrongAnswer
        A request is refused.
    """
    random = np.random.default_rng(_SEED)
    known = _words(random, 400)
    table = _table(random)
    days = random.integers(0, _DAYS, _ROWS + _SENT).tolist()
    minutes = random.integers(0, 1440, _ROWS + _SENT).tolist()
    moments = [_FIRST + timedelta(days=day, minutes=minute) for day, minute in zip(days, minutes, strict=True)]
    texts = [text_of(random, known) for _ in range(_ROWS + _SENT)]
    unknown = [text_of(random, _words(random, 60)) for _ in range(_SENT)]
    more = random.normal(size=_ROWS + _SENT).round(3).tolist()
    named = [_NAMES[place] for place in random.integers(0, len(_NAMES), _ROWS + _SENT).tolist()]
    of_words = FeatureSection(kind="text")
    plain = models.plain("numbers", table)
    fifth = models.plain("fifth", table.assign(extra=more[:_ROWS]))
    category = models.plain("categories", table.assign(extra=named[:_ROWS]), extra=FeatureSection(unknown="refuse"))
    iso = models.plain("days", table.assign(extra=[f"{moment:%Y-%m-%d}" for moment in moments[:_ROWS]]))
    own = models.plain("moments", table.assign(extra=[moment.strftime(_FORM) for moment in moments[:_ROWS]]))
    worded = models.plain("words", table.assign(extra=texts[:_ROWS]), extra=of_words)
    sent: dict[str, tuple[Model, Sequence[Scalar]]] = {
        NUMBERS: (plain, [None] * _SENT),
        NUMBER: (fifth, more[_ROWS:]),
        CATEGORY: (category, named[_ROWS:]),
        DAY: (iso, [f"{moment:%Y-%m-%d}" for moment in moments[_ROWS:]]),
        OWN: (own, [moment.strftime(_FORM) for moment in moments[_ROWS:]]),
        WORDS: (worded, texts[_ROWS:]),
        UNKNOWN: (worded, unknown),
    }
    with ExitStack() as stack:
        asked = [
            (name, stack.enter_context(Worker(services, services.skylift, model)), [*_events(table, extras)])
            for name, (model, extras) in sent.items()
        ]
        calls: Calls = {name: [] for name in sent}
        for number, (name, worker, events) in enumerate(turns(asked, effort.rounds + 1)):
            answer = worker.ask(events, effort)
            if answer["status"] != 200:
                raise WrongAnswer(f"{name}: status {answer['status']}: {answer['body'][:300]}")
            if number >= len(asked):  # the first calls are slower
                calls[name].append(answer["microseconds"])
        return summary(calls)


def text_of(random: np.random.Generator, words: Sequence[str]) -> str:
    """A text of 200 letters and blanks."""
    chosen = " ".join(words[place] for place in random.integers(0, len(words), LETTERS // 3).tolist())
    return f"{chosen[: LETTERS - 1]}a"  # not a blank, which would not count


def _words(random: np.random.Generator, count: int) -> list[str]:
    return ["".join(random.choice(_ALPHABET, size)) for size in random.integers(3, 10, count).tolist()]


def _table(random: np.random.Generator) -> pd.DataFrame:
    numbers = random.normal(size=(_ROWS, _NUMBERS)).round(3)
    table = pd.DataFrame(numbers, columns=[f"number_{column}" for column in range(_NUMBERS)])
    return table.assign(y=np.where(numbers[:, 0] > 0, "yes", "no"))


def _events(table: pd.DataFrame, extras: Sequence[Scalar]) -> Iterator[dict[str, Any]]:
    """Requests of the numbers of one row, each with another value of the extra feature."""
    row = table.drop(columns="y").iloc[0].to_dict()
    for extra in extras:
        instance = row if extra is None else row | {"extra": extra}
        yield predict_event(json.dumps({"instances": [instance]}).encode())
