"""Generated tables that resemble those people bring; the same bytes for the same seed, and no network."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator
from sklearn import datasets

from skylift.contract import Task

TARGET = "target"
_SEED = 7


@dataclass(frozen=True, slots=True)
class Sample:
    """A table for training.

    Parameters
    ----------
    name
        Name of the table.
    about
        What it resembles.
    task
        Task of its target.
    make
        Function that makes the columns with a random generator.
    split
        Section `split` of `model.yaml`: a column by its kind, `time` or `group`; empty for a random split.
    """

    name: str
    about: str
    task: Task
    make: Callable[[Generator], pd.DataFrame]
    split: Mapping[str, str] = field(default_factory=dict)

    def frame(self) -> pd.DataFrame:
        """The table, with the column `target`."""
        return self.make(np.random.default_rng(_SEED))


def _labels(random: Generator, log_odds: Any, names: tuple[str, str] = ("no", "yes")) -> Any:
    """Two classes by chance."""
    return np.where(random.random(len(log_odds)) < 1 / (1 + np.exp(-log_odds)), names[1], names[0])


def _with_gaps(random: Generator, values: Any, share: float) -> pd.Series:
    """Values of which some are missing."""
    return pd.Series(values, dtype=object).mask(random.random(len(values)) < share)


def _codes(random: Generator, prefix: str, levels: int, rows: int, *, skew: float = 0.0) -> tuple[Any, Any]:
    """Categories as numbers and as texts; with skew, the first are the commonest."""
    shares = 1 / np.arange(1, levels + 1) ** skew
    codes = random.choice(levels, rows, p=shares / shares.sum())
    return codes, np.array([f"{prefix}{code}" for code in range(levels)])[codes]


def _adult(random: Generator) -> pd.DataFrame:
    rows = 32_561
    age, hours = random.integers(17, 91, rows), random.integers(1, 100, rows)
    gain = np.where(random.random(rows) < 0.08, random.exponential(9_000, rows).round(), 0)
    job, jobs = _codes(random, "job ", 14, rows, skew=0.5)
    school, schools = _codes(random, "school ", 16, rows, skew=0.5)
    country, countries = _codes(random, "country ", 41, rows, skew=2)
    state, states = _codes(random, "state ", 7, rows)
    effect = random.normal(0, 0.8, 16)[school] + random.normal(0, 0.5, 14)[job] + random.normal(0, 0.3, 41)[country]
    log_odds = effect - np.abs(age - 48) / 12 + 0.02 * hours + gain / 3_000 + 1.5 * (state == 2) - 1
    return pd.DataFrame(
        {
            "age": age,
            "workclass": _with_gaps(random, states, 0.06),
            "weight": random.integers(12_000, 1_500_000, rows),
            "school": schools,
            "job": _with_gaps(random, jobs, 0.06),
            "gain": gain.astype(int),
            "hours": hours,
            "country": _with_gaps(random, countries, 0.02),
            TARGET: _labels(random, log_odds, ("<=50K", ">50K")),
        }
    )


def _letters(random: Generator) -> pd.DataFrame:
    rows, classes = 20_000, 26
    letter = random.integers(0, classes, rows)
    shapes = random.integers(3, 13, (classes, 2, 16))
    drawn = shapes[letter, random.integers(0, 2, rows)] + random.normal(0, 1.6, (rows, 16))
    frame = pd.DataFrame(drawn.round().clip(0, 15).astype(int), columns=[f"box_{number:02d}" for number in range(16)])
    return frame.assign(**{TARGET: np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))[letter]})


def _diamonds(random: Generator) -> pd.DataFrame:
    rows = 53_940
    carat = random.gamma(2, 0.4, rows).clip(0.2, 5).round(2)
    cut, cuts = _codes(random, "cut ", 5, rows)
    color, colors = _codes(random, "color ", 7, rows)
    clarity, clarities = _codes(random, "clarity ", 8, rows)
    size = 6.5 * carat ** (1 / 3)
    price = 4_000 * carat**1.7 * (1 + 0.03 * cut + 0.05 * color + 0.07 * clarity) * random.lognormal(0, 0.1, rows)
    return pd.DataFrame(
        {
            "carat": carat,
            "cut": cuts,
            "color": colors,
            "clarity": clarities,
            "depth": random.normal(61.7, 1.4, rows).round(1),
            "table": random.normal(57.5, 2.2, rows).round(),
            "x": (size + random.normal(0, 0.1, rows)).round(2),
            "y": (size + random.normal(0, 0.1, rows)).round(2),
            "z": (size * 0.62 + random.normal(0, 0.1, rows)).round(2),
            TARGET: price.round().astype(int),
        }
    )


def _wide(random: Generator) -> pd.DataFrame:
    rows, columns, classes = 1_080, 850, 9
    topic = random.integers(0, classes, rows)
    rates = 0.7 * random.gamma(0.15, 0.25, columns) + 0.3 * random.gamma(0.15, 0.25, (classes, columns))
    words = random.poisson(rates[topic])
    frame = pd.DataFrame(words, columns=[f"word_{number:03d}" for number in range(columns)])
    return frame.assign(**{TARGET: np.array([f"topic {code}" for code in range(classes)])[topic]})


def _imbalance(random: Generator) -> pd.DataFrame:
    rows = 11_182
    numbers = random.normal(size=(rows, 6)).round(4)
    log_odds = 1.6 * numbers[:, 0] + 1.2 * numbers[:, 1] * numbers[:, 2] - np.abs(numbers[:, 3]) - 5.2
    frame = pd.DataFrame(numbers, columns=[f"feature_{number}" for number in range(6)])
    return frame.assign(**{TARGET: _labels(random, log_odds, ("healthy", "ill"))})


def _gaps(random: Generator) -> pd.DataFrame:
    rows = 6_000
    numbers = random.normal(size=(rows, 12))
    value = (
        numbers[:, 0] * 3 + np.sin(2 * numbers[:, 1]) * 4 + numbers[:, 2] * numbers[:, 3] + random.normal(0, 1, rows)
    )
    frame = pd.DataFrame(numbers.round(3), columns=[f"sensor_{number:02d}" for number in range(12)])
    frame = frame.mask(random.random(frame.shape) < 0.2)
    return frame.assign(**{TARGET: value.round(3)})


def _taxis(random: Generator) -> pd.DataFrame:
    rows = 12_000
    start = np.datetime64("2024-01-01T00:00:00") + random.integers(0, 366 * 86_400, rows).astype("timedelta64[s]")
    pickup = pd.Series(start)
    hour, weekday = pickup.dt.hour.to_numpy(), pickup.dt.day_of_week.to_numpy()
    rush = ((hour >= 7) & (hour < 10)) | ((hour >= 16) & (hour < 19))
    distance = random.gamma(1.5, 2, rows).round(2)
    zone, zones = _codes(random, "zone ", 20, rows, skew=0.5)
    slow = 1 + 0.9 * (rush & (weekday < 5)) + random.normal(0, 0.15, 20)[zone] + 0.2 * np.sin(2 * np.pi * hour / 24)
    minutes = (2 + 3 * distance * slow) * random.lognormal(0, 0.15, rows)
    return pd.DataFrame(
        {
            "pickup": pickup.dt.strftime("%Y-%m-%d %H:%M:%S"),
            "distance": distance,
            "zone": zones,
            "passengers": random.integers(1, 6, rows),
            TARGET: minutes.round(2),
        }
    )


def _merchants(random: Generator) -> pd.DataFrame:
    rows, levels = 20_000, 3_000
    merchant, merchants = _codes(random, "merchant ", levels, rows, skew=0.7)
    city, cities = _codes(random, "city ", 400, rows, skew=1)
    amount, hour = random.lognormal(3, 1, rows).round(2), random.integers(0, 24, rows)
    log_odds = random.normal(0, 1.2, levels)[merchant] + random.normal(0, 0.6, 400)[city]
    log_odds += 0.5 * np.log(amount / 20) + 0.8 * (hour < 5) - 0.7
    return pd.DataFrame(
        {
            "merchant": merchants,
            "city": cities,
            "amount": amount,
            "hour": hour,
            TARGET: _labels(random, log_odds, ("kept", "returned")),
        }
    )


def _messages(random: Generator) -> pd.DataFrame:
    rows, words = 5_500, 2_500
    syllables = np.array(["ba", "de", "ki", "lo", "mu", "na", "po", "re", "si", "tu", "ver", "wan"])
    lexicon = np.unique(["".join(random.choice(syllables, size)) for size in random.integers(1, 5, 2 * words)])[:words]
    random.shuffle(lexicon)
    common = 1 / np.arange(1, len(lexicon) + 1)
    usual, unwanted = (common * random.gamma(0.5, 2, len(lexicon)) for _ in range(2))
    spam = random.random(rows) < 0.15
    lengths = random.poisson(np.where(spam, 18, 12)) + 3
    texts = []
    for is_spam, length in zip(spam, lengths, strict=True):
        rates = 0.75 * usual / usual.sum() + 0.25 * unwanted / unwanted.sum() if is_spam else usual / usual.sum()
        texts.append(" ".join(random.choice(lexicon, length, p=rates)).capitalize() + ("!" if is_spam else "."))
    return pd.DataFrame({"message": texts, TARGET: np.where(spam, "spam", "wanted")})


def _rentals(random: Generator) -> pd.DataFrame:
    days, hours = 450, 24
    day, hour = np.repeat(np.arange(days), hours), np.tile(np.arange(hours), days)
    date = pd.Series(np.datetime64("2023-03-01") + day.astype("timedelta64[D]"))
    warmth = 15 - 12 * np.cos(2 * np.pi * (day + 60) / 365) + random.normal(0, 3, days)[day]
    rain = random.random(days * hours) < 0.1
    weekend = date.dt.day_of_week.to_numpy() >= 5
    commute = np.exp(-(((hour - 8) / 1.5) ** 2)) + np.exp(-(((hour - 17.5) / 2) ** 2))
    leisure = np.exp(-(((hour - 14) / 4) ** 2))
    rate = np.exp(2.5 + 2.2 * np.where(weekend, leisure, commute) + 0.05 * warmth - 0.8 * rain + 0.0005 * day)
    return pd.DataFrame(
        {
            "date": date.dt.strftime("%Y-%m-%d"),
            "hour": hour,
            "temperature": (warmth + random.normal(0, 1, len(day))).round(1),
            "humidity": random.integers(20, 101, len(day)),
            "rain": np.where(rain, "yes", "no"),
            TARGET: random.poisson(rate),
        }
    )


def _visits(random: Generator) -> pd.DataFrame:
    patients = 900
    patient = np.repeat(np.arange(patients), random.integers(2, 10, patients))
    rows = len(patient)
    age, sex = random.integers(20, 95, patients)[patient], random.random(patients)[patient] < 0.5
    frailty = random.normal(0, 0.8, patients)[patient]
    pressure = random.normal(130, 18, rows) + 4 * frailty
    _, wards = _codes(random, "ward ", 8, rows)
    medicines = random.poisson(3 + np.maximum(0, frailty))
    log_odds = frailty + 0.04 * (age - 65) + 0.02 * (pressure - 130) + 0.25 * (medicines - 3) - 0.8
    return pd.DataFrame(
        {
            "patient": patient,
            "age": age,
            "sex": np.where(sex, "F", "M"),
            "pressure": _with_gaps(random, pressure.round(), 0.1),
            "ward": wards,
            "medicines": medicines,
            TARGET: _labels(random, log_odds, ("well", "readmitted")),
        }
    )


def _shipped(name: str) -> Callable[[Generator], pd.DataFrame]:
    def make(_: Generator) -> pd.DataFrame:
        frame: pd.DataFrame = getattr(datasets, f"load_{name}")(as_frame=True).frame
        return frame

    return make


SAMPLES = (
    Sample("adult", "mixed: income from a census", "classification", _adult),
    Sample("gaps", "missing: a fifth of the cells", "regression", _gaps),
    Sample("imbalance", "imbalanced: 2% of one class", "classification", _imbalance),
    Sample("taxis", "dates: minutes of a journey", "regression", _taxis),
    Sample("merchants", "high cardinality: 3,000 merchants", "classification", _merchants),
    Sample("messages", "text: one column", "classification", _messages),
    Sample("wide", "wide: 850 counts of words, nine classes", "classification", _wide),
    Sample("diamonds", "long: 54,000 prices", "regression", _diamonds),
    Sample("rentals", "counts: the last days held out", "regression", _rentals, {"time": "date"}),
    Sample("letters", "many classes: 26", "classification", _letters),
    Sample("diabetes", "small: as scikit-learn ships it", "regression", _shipped("diabetes")),
    Sample("visits", "groups: patients held out", "classification", _visits, {"group": "patient"}),
)
