"""What a candidate's `search` in `model.yaml` means: which parameters are tried, and in which rounds."""

import math
from itertools import product
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from skylift.feature import Scalar

if TYPE_CHECKING:
    import numpy as np

type Params = dict[str, Any]
"""Parameters of an estimator by name."""

_DIGITS = 4
_DRAWS_PER_TRIAL = 20


class Distribution(BaseModel):
    """Numbers to draw from: whole ones where both ends are whole.

    Parameters
    ----------
    low, high
        Ends of the range, both inclusive.
    log
        Whether numbers are drawn uniformly by their logarithm.

    Raises
    ------
    ValueError
        It is empty, or has no logarithm.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: int | float
    high: int | float
    log: bool = False

    @model_validator(mode="after")
    def _can_be_drawn_from(self) -> Self:
        if not self.low < self.high:
            raise ValueError("low must be below high")
        if self.log and self.low <= 0:
            raise ValueError("with log, low must be above 0")
        return self

    def draw(self, generator: "np.random.Generator") -> int | float:
        """One number, to four significant digits: as a person would write it."""
        whole = isinstance(self.low, int) and isinstance(self.high, int)
        if whole and not self.log:
            return int(generator.integers(int(self.low), int(self.high), endpoint=True))
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        value = float(generator.uniform(low, high))
        value = math.exp(value) if self.log else value
        rounded = round(value) if whole else float(f"{value:.{_DIGITS}g}")
        return min(max(rounded, self.low), self.high)


def _form(value: object) -> str:
    return "range" if isinstance(value, dict | Distribution) else "values"


type Weights = dict[Scalar, float]
"""Weights by class."""

_Values = Annotated[list[Scalar | list[Scalar] | Weights], Field(min_length=1)]
Space = Annotated[Annotated[_Values, Tag("values")] | Annotated[Distribution, Tag("range")], Discriminator(_form)]


class SearchSpec(BaseModel):
    """How a candidate's parameters are found.

    Written short, as only its `parameters`, it is a grid where each is a list of values, else random.

    Parameters
    ----------
    strategy
        `grid` tries every combination, `random` draws some, and `halving` draws some, tries them on few rows, and the
        best share of them on more, up to all.
    parameters
        Values to try, or a distribution, by parameter.
    iterations
        Number of parameter sets to draw.
    factor
        A halving search keeps one of so many, and gives it so many times the rows.

    Raises
    ------
    ValueError
        A grid has a distribution.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    strategy: Literal["grid", "random", "halving"] = "grid"
    parameters: Annotated[dict[str, Space], Field(min_length=1)]
    iterations: Annotated[int, Field(ge=1, le=10_000)] = 20
    factor: Annotated[int, Field(ge=2, le=10)] = 3

    @model_validator(mode="before")
    @classmethod
    def _written_short(cls, document: object) -> object:
        if not isinstance(document, dict) or isinstance(document.get("strategy"), str) or "parameters" in document:
            return document
        drawn = any(isinstance(space, dict) for space in document.values())
        return {"strategy": "random" if drawn else "grid", "parameters": document}

    @model_validator(mode="after")
    def _a_grid_has_values(self) -> Self:
        if self.strategy == "grid" and (drawn := [name for name, space in self._ranges()]):
            raise ValueError(f"{drawn[0]} is a distribution, and a grid needs a list: or use strategy random")
        return self

    def _ranges(self) -> list[tuple[str, Distribution]]:
        return [(name, space) for name, space in self.parameters.items() if isinstance(space, Distribution)]

    def trials(self, seed: int) -> list[Params]:
        """Parameters to try, without repetitions; the same for the same seed.

        At most `iterations`; fewer if the space has fewer.
        """
        lists = {name: space for name, space in self.parameters.items() if isinstance(space, list)}
        if self.strategy == "grid":
            return _combinations(lists)
        import numpy as np

        generator = np.random.default_rng(seed)
        if not self._ranges():
            every = _combinations(lists)
            return [every[index] for index in generator.permutation(len(every))[: self.iterations]]
        drawn: dict[str, Params] = {}
        for _ in range(self.iterations * _DRAWS_PER_TRIAL):
            params = {
                name: space.draw(generator)
                if isinstance(space, Distribution)
                else space[int(generator.integers(len(space)))]
                for name, space in sorted(self.parameters.items())
            }
            drawn.setdefault(repr(params), params)
            if len(drawn) == self.iterations:
                break
        return list(drawn.values())

    def rounds(self, trials: int, rows: int, least: int) -> list[tuple[int, int]]:
        """How many of the trials are tried on how many rows, round by round; the last on all.

        Parameters
        ----------
        trials
            Number of trials of the first round.
        rows
            Number of rows for training.
        least
            Minimum number of rows of a round.

        Examples
        --------
        >>> SearchSpec(strategy="halving", parameters={"C": [1]}).rounds(9, 900, 30)
        [(9, 100), (3, 300), (1, 900)]
        """
        if self.strategy != "halving":
            return [(trials, rows)]
        halvings = 0
        while self.factor**halvings < trials and rows // self.factor ** (halvings + 1) >= least:
            halvings += 1
        return [
            (math.ceil(trials / self.factor**step), rows // self.factor ** (halvings - step))
            for step in range(halvings + 1)
        ]


def _combinations(lists: dict[str, list[Any]]) -> list[Params]:
    """Every combination, the last name in the alphabet varying fastest."""
    names = sorted(lists)
    return [dict(zip(names, values, strict=True)) for values in product(*(lists[name] for name in names))]
