"""The sections of `model.yaml` that say how scores become answers."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from skylift.conformal import Level
from skylift.names import did_you_mean
from training.config.table import Section
from training.metrics.registry import METRICS


def _deciding(name: str) -> str:
    """The name of a metric that a threshold can be chosen by."""
    names = [metric.name for metric in METRICS.values() if metric.decides]
    if name not in names:
        hint = did_you_mean(name, names)
        raise PydanticCustomError("unknown_metric", "{name} chooses no threshold: {hint}", {"name": name, "hint": hint})
    return name


type Cost = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class DecisionSection(Section):
    """Which of two classes a row is labelled with. The positive class is the second; see `target.positive`.

    Parameters
    ----------
    cost_false_negative, cost_false_positive
        What a missed row of the positive class costs, and what a false alarm costs, in any unit; 1 where only the other
        is named.
    metric
        Metric of the labels to be as good as possible.
    threshold
        Probability of the positive class above which it is the label.

    Raises
    ------
    ValueError
        None of costs, metric and threshold is named, or several are.
    """

    cost_false_negative: Cost | None = None
    cost_false_positive: Cost | None = None
    metric: Annotated[str, AfterValidator(_deciding)] | None = None
    threshold: Annotated[float, Field(gt=0, lt=1)] | None = None

    @property
    def costs(self) -> tuple[float, float] | None:
        """Costs of a false negative and of a false positive; None if nothing is chosen by them."""
        if self.cost_false_negative is None and self.cost_false_positive is None:
            return None
        return self.cost_false_negative or 1.0, self.cost_false_positive or 1.0

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = (self.costs, self.metric, self.threshold)
        if sum(way is not None for way in ways) != 1:
            raise ValueError("name either costs, or a metric, or a threshold")
        return self


class ConformalSection(Section):
    """At which level answers say what they may miss: an interval around a value, or a set of classes.

    Parameters
    ----------
    level
        Share of the true values, or classes, that are within.
    """

    level: Level = 0.9
