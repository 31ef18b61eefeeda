"""Generated tables that resemble those people bring; the same bytes for the same seed, and no network."""

from collections.abc import Callable
from dataclasses import dataclass
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
    """

    name: str
    about: str
    task: Task
    make: Callable[[Generator], pd.DataFrame]

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


def _churn(random: Generator) -> pd.DataFrame:
    rows = 7_043
    months = random.integers(0, 73, rows)
    charge = random.uniform(18, 119, rows).round(2)
    codes, frame = [], pd.DataFrame({"months": months, "charge": charge, "total": (months * charge).round(2)})
    for number in range(16):
        code, frame[f"service_{number:02d}"] = _codes(random, "option ", 2 + number % 3, rows)
        codes.append(code)
    effect = sum(random.normal(0, 0.4, 4)[code] for code in codes)
    frame[TARGET] = _labels(random, effect - 0.05 * months + 0.015 * charge - 0.8)
    return frame


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


def _housing(random: Generator) -> pd.DataFrame:
    rows = 20_640
    east, north = random.uniform(-124, -114, rows), random.uniform(32, 42, rows)
    income, age = random.gamma(3, 1.3, rows), random.integers(1, 53, rows)
    coast = np.exp(-np.abs(east + 118 + 0.8 * (north - 34)))
    near, place = _codes(random, "near ", 5, rows, skew=1)
    value = 40_000 * income + 150_000 * coast + 500 * age + 20_000 * (near == 1) + random.normal(0, 40_000, rows)
    return pd.DataFrame(
        {
            "longitude": east.round(2),
            "latitude": north.round(2),
            "age": age,
            "rooms": random.integers(2, 10_000, rows),
            "bedrooms": _with_gaps(random, random.integers(1, 2_000, rows), 0.01),
            "people": random.integers(3, 9_000, rows),
            "income": income.round(4),
            "place": place,
            TARGET: value.clip(15_000).round(-2).astype(int),
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


def _rare(random: Generator) -> pd.DataFrame:
    rows = 1_300
    _, boats = _codes(random, "B", 39, rows)
    saved = random.random(rows) < 0.4
    right = random.random(rows) < 0.97
    return pd.DataFrame(
        {
            "sex": np.where(random.random(rows) < 0.5, "F", "M"),
            "age": _with_gaps(random, random.integers(1, 80, rows), 0.2),
            "boat": pd.Series(boats, dtype=object).where(saved),
            TARGET: np.where(saved == right, "survived", "died"),
        }
    )


def _shops(random: Generator) -> pd.DataFrame:
    rows, levels = 12_000, 90
    shop, shops = _codes(random, "shop ", levels, rows, skew=1)
    numbers = random.normal(size=(rows, 4)).round(3)
    log_odds = random.normal(0, 1.5, levels)[shop] + numbers[:, 0] + numbers[:, 1] * (shop % 2)
    frame = pd.DataFrame(numbers, columns=["a", "b", "c", "d"])
    return frame.assign(shop=shops, **{TARGET: _labels(random, log_odds)})


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


def _insurance(random: Generator) -> pd.DataFrame:
    rows = 1_338
    age, bmi = random.integers(18, 65, rows), random.normal(30.7, 6, rows).round(2)
    smoker = random.random(rows) < 0.2
    charge = 250 * age + smoker * (12_000 + 900 * (bmi > 30) * (bmi - 15)) + random.exponential(3_000, rows)
    return pd.DataFrame(
        {
            "age": age,
            "sex": np.where(random.random(rows) < 0.5, "female", "male"),
            "bmi": bmi,
            "children": random.integers(0, 6, rows),
            "smoker": np.where(smoker, "yes", "no"),
            "region": _codes(random, "region ", 4, rows)[1],
            TARGET: charge.round(2),
        }
    )


def _gaps(random: Generator) -> pd.DataFrame:
    rows = 6_000
    numbers = random.normal(size=(rows, 12))
    value = (
        numbers[:, 0] * 3 + np.sin(2 * numbers[:, 1]) * 4 + numbers[:, 2] * numbers[:, 3] + random.normal(0, 1, rows)
    )
    frame = pd.DataFrame(numbers.round(3), columns=[f"sensor_{number:02d}" for number in range(12)])
    frame = frame.mask(random.random(frame.shape) < 0.2)
    return frame.assign(**{TARGET: value.round(3)})


def _plain(task: Task, rows: int) -> Callable[[Generator], pd.DataFrame]:
    """Ten columns of numbers, categories, counts and gaps, with effects that depend on each other."""

    def make(random: Generator) -> pd.DataFrame:
        numbers = random.normal(size=(rows, 6)).round(4)
        city, cities = _codes(random, "city ", 4, rows)
        shop, shops = _codes(random, "shop ", 30, rows)
        flag, count = random.random(rows) < 0.4, random.integers(0, 100, rows)
        signal = 1.2 * numbers[:, 0] + np.sin(2 * numbers[:, 1]) + numbers[:, 2] * flag + 0.02 * count
        signal += random.normal(0, 0.8, 30)[shop] + (city == 2) * numbers[:, 3] + random.normal(size=rows)
        frame = pd.DataFrame(numbers, columns=[f"x{number}" for number in range(6)])
        frame["x4"] = frame["x4"].mask(random.random(rows) < 0.05)
        target = np.where(signal > 1.2, "yes", "no") if task == "classification" else (1_000 * signal).round(1)
        return frame.assign(city=cities, shop=shops, flag=flag, count=count, **{TARGET: target})

    return make


def _shipped(name: str) -> Callable[[Generator], pd.DataFrame]:
    def make(_: Generator) -> pd.DataFrame:
        frame: pd.DataFrame = getattr(datasets, f"load_{name}")(as_frame=True).frame
        return frame

    return make


SAMPLES = (
    Sample("churn", "telephone customers who leave: many categories of few values", "classification", _churn),
    Sample("adult", "income from a census: mixed, with gaps", "classification", _adult),
    Sample("housing", "prices of houses by place", "regression", _housing),
    Sample("letters", "26 classes", "classification", _letters),
    Sample("diamonds", "50,000 prices", "regression", _diamonds),
    Sample("rare", "39 rare categories, and missing ones that tell most", "classification", _rare),
    Sample("shops", "90 categories, a few of them common", "classification", _shops),
    Sample("wide", "850 counts of words, nine classes", "classification", _wide),
    Sample("imbalance", "2% of one class", "classification", _imbalance),
    Sample("insurance", "charges in thousands, few rows", "regression", _insurance),
    Sample("gaps", "a fifth of the cells missing", "regression", _gaps),
    Sample("breast_cancer", "as scikit-learn ships it", "classification", _shipped("breast_cancer")),
    Sample("diabetes", "as scikit-learn ships it", "regression", _shipped("diabetes")),
    Sample("mixed_20k", "20,000 rows of 10 columns", "classification", _plain("classification", 20_000)),
    Sample("values_20k", "20,000 rows of 10 columns", "regression", _plain("regression", 20_000)),
    Sample("mixed_50k", "50,000 rows of 10 columns", "classification", _plain("classification", 50_000)),
    Sample("values_50k", "50,000 rows of 10 columns", "regression", _plain("regression", 50_000)),
)
