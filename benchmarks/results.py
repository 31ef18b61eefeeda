"""The schema of `build/bench.json`.

    {
      "schema_version": 1,
      "date": UTC, "quick": bool,
      "machine": {"cpu": ..., "cores": ..., "memory_gib": ..., "kernel": ..., "load_average_before": ...},
      "versions": {"python": ..., "scikit-learn": ..., ...},
      "load_generator": "wrk ..." or the built-in one,
      "cold_start": {MODEL: SERIES},              seconds, event sent to first correct answer
      "memory_first": {MODEL: SERIES},            MiB resident after the first answer
      "memory_later": {MODEL: SERIES},            MiB resident after 200 more requests
      "handler": {MODEL: SERIES},                 microseconds, one row, warm, in the handler
      "http": {MODEL: SERIES},                    microseconds, one row, keep-alive
      "throughput": {MODEL: SERIES},              requests per second, 8 connections
      "kinds": SERIES,                            microseconds, one row, in the handler, by what the contract has
      "batch": {MODEL: {INSTANCES: SERIES}},      microseconds per instance, in the handler
      "trees": {TREES: SERIES},                   microseconds, one row, in the handler
      "features": {FEATURES: SERIES},             microseconds, one row, in the handler
      "imports": {SERVICE: {"total": ms, "packages": {NAME: ms}}},
      "sizes": {SERVICE: {DISTRIBUTION: bytes}},
      "cost": [{...}],
      "targets": [{"figure": ..., "bound": ..., "value": ..., "reached": bool}]
    }

A SERIES holds one value per service and round; in a round all services were measured in turn, so a ratio is the median
of the ratios of the rounds, and what disturbs the machine for longer than a round disturbs both sides of it.
"""

from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Literal

from pydantic import BaseModel, Field

SKYLIFT, BAKED, SHADOW, BASELINE = "skylift", "skylift, baked", "skylift, with a shadow", "baseline"
EMPTY_ROUTE, EMPTY_HANDLER = "empty route", "empty handler"
FILE = Path(__file__).parents[1] / "build" / "bench.json"

type ByModel = dict[str, "Series"]


class Series(BaseModel):
    """One figure of several services, measured in turns.

    Parameters
    ----------
    rounds
        One value per round, by service; the median of a round with many measurements.
    p99
        99th percentile of the single measurements of all rounds, by service; for rounds with many only.
    calls
        Number of single measurements, by service.
    """

    rounds: dict[str, list[float]] = Field(default_factory=dict)
    p99: dict[str, float] = Field(default_factory=dict)
    calls: dict[str, int] = Field(default_factory=dict)

    def add(self, service: str, value: float) -> None:
        """Add the value of one more round."""
        self.rounds.setdefault(service, []).append(value)

    def of(self, service: str) -> float:
        """The median of a service's rounds."""
        return median(self.rounds[service])

    def ratio(self, of: str, over: str) -> float:
        """How many times one service's value is the other's: the median of the rounds' ratios."""
        return median(a / b for a, b in zip(self.rounds[of], self.rounds[over], strict=True))

    def more(self, of: str, over: str) -> float:
        """How much larger one service's value is than the other's: the median of the rounds' differences."""
        return median(a - b for a, b in zip(self.rounds[of], self.rounds[over], strict=True))


class Imports(BaseModel):
    """What the import of a handler costs, in milliseconds by `-X importtime`, all and by top-level package."""

    total: float
    packages: dict[str, float]


class Cost(BaseModel):
    """The price of a million predictions.

    Parameters
    ----------
    instances
        Number of instances in a request.
    memory_mb
        Memory of the function, in MB.
    billed_ms
        Billed duration of a request, in milliseconds.
    dollars
        Price of a million instances, in US dollars.
    """

    service: str
    model: str
    architecture: Literal["x86", "arm64"]
    instances: int
    memory_mb: int
    billed_ms: int
    dollars: float


class Target(BaseModel):
    """A figure to reach."""

    figure: str
    bound: str
    value: float
    reached: bool


class Results(BaseModel):
    """A whole run; see the module."""

    schema_version: Literal[1] = 1
    date: datetime
    quick: bool
    machine: dict[str, str]
    versions: dict[str, str]
    load_generator: str = ""
    cold_start: ByModel = Field(default_factory=dict)
    memory_first: ByModel = Field(default_factory=dict)
    memory_later: ByModel = Field(default_factory=dict)
    handler: ByModel = Field(default_factory=dict)
    http: ByModel = Field(default_factory=dict)
    throughput: ByModel = Field(default_factory=dict)
    kinds: Series = Field(default_factory=Series)
    batch: dict[str, dict[int, Series]] = Field(default_factory=dict)
    trees: dict[int, Series] = Field(default_factory=dict)
    features: dict[int, Series] = Field(default_factory=dict)
    imports: dict[str, Imports] = Field(default_factory=dict)
    sizes: dict[str, dict[str, int]] = Field(default_factory=dict)
    cost: list[Cost] = Field(default_factory=list)
    targets: list[Target] = Field(default_factory=list)

    def write(self, path: Path = FILE) -> None:
        """Write the file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path = FILE) -> "Results":
        """Read the file of an earlier run."""
        return cls.model_validate_json(path.read_bytes())
