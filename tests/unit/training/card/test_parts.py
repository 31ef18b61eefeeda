"""Metrics in the words of the card."""

from skylift.metrics import Interval, Spread
from training.card.parts import between, metric_meaning, metric_name, spread_words
from training.metrics.registry import METRICS


def test_a_spread_has_the_decimals_of_its_mean() -> None:
    assert spread_words(Spread(mean=1234.0, std=5.25, folds=(1234.0,))) == "1,234 \N{PLUS-MINUS SIGN} 5"
    assert spread_words(None) == ""


def test_an_interval_is_from_one_end_to_the_other() -> None:
    assert between(Interval(low=0.5, high=20, method="bootstrap")) == "0.5000 to 20.00"
    assert between(None) == ""


def test_metrics_have_the_names_and_meanings_of_the_registry() -> None:
    assert metric_name("log_loss") == METRICS["log_loss"].title
    assert metric_meaning("log_loss") == METRICS["log_loss"].meaning


def test_a_metric_that_this_release_does_not_know_is_still_named() -> None:
    assert (metric_name("new_metric"), metric_meaning("new_metric")) == ("new metric", None)
