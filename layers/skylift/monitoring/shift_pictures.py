"""Pictures of training beside a window, bin by bin."""

import numpy as np

from skylift.contract import Contract
from skylift.figures import per_cent
from skylift.monitoring.baseline import Baseline, Bins, Distribution
from skylift.monitoring.counts import Histogram
from skylift.monitoring.report import Report
from skylift.monitoring.statistics import shares
from skylift.pages.charts import Pair, pairs
from skylift.pages.markup import Markup
from skylift.pages.svg import Caption

MAX_BINS = 14
"""Of more bins those that moved most are drawn, and the others as one."""


def picture_of_feature(name: str, report: Report, baseline: Baseline, contract: Contract) -> Markup | None:
    """The training rows and the window by the bins of a feature; None if the version answered nothing."""
    place = list(baseline.counted).index(name)
    counts = report.counts_of(report.version)
    whole = place < len(contract.features) and contract.features[place].kind == "integer"
    caption = (f"feature-{place}", name)
    return _picture(caption, baseline.counted[name], counts.features[place], whole=whole) if counts else None


def picture_of_predictions(report: Report, baseline: Baseline, contract: Contract) -> Markup | None:
    """The same of the predictions."""
    counts = report.counts_of(report.version)
    caption = ("prediction-mix", contract.target.name)
    return _picture(caption, baseline.predictions, counts.predictions, whole=False) if counts else None


def _picture(caption: tuple[str, str], training: Distribution, window: Histogram, *, whole: bool) -> Markup:
    before, now = shares(np.array(training.counts, np.int64)), shares(window)
    filled = [place for place in range(training.bins.size) if before[place] or now[place]]
    by_change = sorted(filled, key=lambda place: abs(float(now[place] - before[place])), reverse=True)
    drawn = sorted(by_change if len(filled) <= MAX_BINS else by_change[: MAX_BINS - 1])
    key, name = caption
    rows = [(_label(training.bins, place, name, whole=whole), before[place], now[place]) for place in drawn]
    if others := sorted(set(filled) - set(drawn)):
        rows.append((f"{len(others):,} others", before[others].sum(), now[others].sum()))
    told = "; ".join(f"{label}: {per_cent(old)} in training, {per_cent(new)} now" for label, old, new in rows)
    groups = [Pair(label, (float(old), float(new)), (per_cent(old), per_cent(new))) for label, old, new in rows]
    return pairs(Caption(key, f"{name}: training and this window", f"{told}."), ("training", "this window"), groups)


def _label(bins: Bins, place: int, name: str, *, whole: bool) -> str:
    """A bin in the contract's words, without the name where it says something without."""
    if bins.levels is not None:
        return bins.levels[place] if place < len(bins.levels) else bins.words(place, name)
    return bins.words(place, "", whole=whole).strip()
