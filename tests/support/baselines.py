"""Small training distributions, for tests of what compares with one."""

from collections.abc import Mapping

from skylift.monitoring.baseline import Baseline, Bins, Distribution, FeatureDistribution

AGE = Bins(edges=(18.0, 30.0, 45.0, 80.5))
AREA = Bins(levels=("north", "south"))
SMOKER = Bins(levels=("false", "true"))


def distribution(bins: Bins) -> Distribution:
    """Ten rows in each bin."""
    return Distribution(bins=bins, counts=(10,) * bins.size)


def baseline(
    features: Mapping[str, Bins] | None = None,
    predictions: Bins = Bins(levels=("no", "yes")),  # noqa: B008
) -> Baseline:
    """A training distribution with these bins, ten rows in each; by default of three features and two classes."""
    named = {"age": AGE, "area": AREA, "smoker": SMOKER} if features is None else features
    return Baseline(
        rows=100,
        features={name: FeatureDistribution(bins=bins, counts=(10,) * bins.size) for name, bins in named.items()},
        predictions=distribution(predictions),
    )
