"""The schema of `build/bench-models.json`, and the bounds of what is in it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel

from benchmarks.peer_models import PLAIN
from training.metrics.intervals import Difference
from training.metrics.registry import METRICS

_MOST_SECONDS = 300
_COMPILED = 10 / 12
_BETTER = 1 / 2

type Verdict = Literal["better", "worse", "noise"]


class Rival(BaseModel):
    """A peer beside the chosen model.

    Parameters
    ----------
    difference
        Metric of the peer, then of the chosen model, on the same rows of the holdout.
    familiar
        The peer's value of the familiar metric.
    seconds
        Duration of its fit, without any check.
    row_microseconds
        Median time to predict one row of a data frame.
    """

    difference: Difference
    familiar: float
    seconds: float
    row_microseconds: float

    @property
    def verdict(self) -> Verdict:
        """Whether the chosen model is better or worse than the peer by more than chance."""
        if self.difference.within_noise:
            return "noise"
        gain = METRICS[self.difference.metric].sign * (self.difference.after - self.difference.before)
        return "better" if gain > 0 else "worse"


class Outcome(BaseModel):
    """What became of a table.

    Parameters
    ----------
    table, about
        Name of the table, and what it resembles.
    date, cores, load_average_before
        Day and hour of the measurement, number of cores, and load of the machine before.
    rows, features
        Size of the table.
    metric, score
        Metric that the model was selected by, and its value on the holdout.
    familiar_metric, familiar
        Metric that people know such a table by, ROC-AUC, accuracy or R2, and its value.
    seconds, cpu_seconds
        Duration of `skylift train`, and what it computed on all cores.
    selected
        Candidate that was chosen.
    compiled
        Converter of the compiled form; None where scikit-learn serves.
    row_microseconds
        Median time of a request with one row in the handler.
    rivals
        Peers by name, without those that failed.
    """

    table: str
    about: str
    date: AwareDatetime
    cores: int
    load_average_before: float
    rows: int
    features: int
    metric: str
    score: float
    familiar_metric: str
    familiar: float
    seconds: float
    cpu_seconds: float
    selected: str
    compiled: str | None
    row_microseconds: float
    rivals: dict[str, Rival]


class Outcomes(BaseModel):
    """All tables that were measured."""

    tables: tuple[Outcome, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Self:
        """What earlier runs found; nothing without one."""
        return cls.model_validate_json(path.read_bytes()) if path.exists() else cls()

    def write(self, path: Path) -> None:
        """Write the file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")

    def with_(self, outcome: Outcome, *, order: Sequence[str]) -> Self:
        """With another outcome in the place of the table's former one; tables by their order, others are left out."""
        found = {each.table: each for each in (*self.tables, outcome)}
        return self.model_copy(update={"tables": tuple(found[name] for name in order if name in found)})


class Bound(BaseModel):
    """What is to be reached.

    Parameters
    ----------
    bound
        What it is, in words.
    found
        What was found, in words.
    reached
        Whether that is enough.
    """

    bound: str
    found: str
    reached: bool


def judge(outcomes: Sequence[Outcome]) -> tuple[Bound, ...]:
    """Compare the outcomes with what is to be reached; a share of fewer tables where not all were measured."""
    number = len(outcomes)
    verdicts = {one.table: one.rivals[PLAIN].verdict for one in outcomes if PLAIN in one.rivals}
    better, worse = ([table for table, verdict in verdicts.items() if verdict == side] for side in ("better", "worse"))
    slow = [one.table for one in outcomes if one.seconds > _MOST_SECONDS]
    compiled = sum(one.compiled is not None for one in outcomes)
    return (
        Bound(
            bound="not worse than plain boosting beyond noise, on any table",
            found=f"worse on {_listed(worse)}",
            reached=not worse,
        ),
        Bound(
            bound="better than plain boosting beyond noise, on at least half",
            found=f"better on {len(better)} of {number}: {_listed(better)}",
            reached=len(better) >= _BETTER * number,
        ),
        Bound(
            bound="compiled, 10 of 12 at least",
            found=f"{compiled} of {number}",
            reached=compiled >= _COMPILED * number,
        ),
        Bound(
            bound=f"`skylift train` within {_MOST_SECONDS} s, on every table",
            found=f"longer on {_listed(slow)}",
            reached=not slow,
        ),
    )


def _listed(tables: Sequence[str]) -> str:
    return ", ".join(tables) or "none"
