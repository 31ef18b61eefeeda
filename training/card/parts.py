"""Metrics in the words of the model card."""

from skylift.metrics import Interval, Spread
from skylift.pages.parts import digits
from training.metrics.registry import METRICS


def metric_name(metric: str) -> str:
    """A metric as people write it."""
    return METRICS[metric].title if metric in METRICS else metric.replace("_", " ")


def metric_meaning(metric: str) -> str | None:
    """What a metric's value says; None of a metric that this release does not know."""
    return METRICS[metric].meaning if metric in METRICS else None


def between(interval: Interval | None) -> str:
    """An interval in a cell."""
    return "" if interval is None else f"{digits(interval.low)} to {digits(interval.high)}"


def spread_words(spread: Spread | None) -> str:
    """A mean with its spread over the folds."""
    return "" if spread is None else f"{digits(spread.mean)} \N{PLUS-MINUS SIGN} {digits(spread.std, like=spread.mean)}"
