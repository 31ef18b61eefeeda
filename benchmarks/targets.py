"""The figures to reach: ratios to the baseline in the same run, and one absolute."""

from collections.abc import Iterator

from benchmarks.kinds import DAY, NUMBERS, OWN, UNKNOWN, WORDS
from benchmarks.models import BOOSTING, FOREST, LOGISTIC
from benchmarks.results import BASELINE, SHADOW, SKYLIFT, Results, Target


def judge(results: Results) -> list[Target]:
    """Compare a run with what is to be reached."""
    batch = results.batch[FOREST]
    thousand = batch[1000].of(SKYLIFT) if 1000 in batch else float("nan")
    return [
        *(
            _at_most(f"cold start, {model}: share of the baseline's", 0.45, series.ratio(SKYLIFT, BASELINE))
            for model, series in results.cold_start.items()
        ),
        _at_least("one row in the handler, forest: times faster", 50, _faster(results, FOREST)),
        *(
            _at_most(f"a compiled shadow, {model}: microseconds more in the handler", 60, series.more(SHADOW, SKYLIFT))
            for model, series in results.handler.items()
            if SHADOW in series.rounds
        ),
        *_boosting(results),
        *(
            _at_most(f"what {kind} adds to one row, microseconds", bound, results.kinds.more(kind, NUMBERS))
            for kind, bound in ((DAY, 3), (OWN, 3), (WORDS, 200), (UNKNOWN, 200))
            if kind in results.kinds.rounds
        ),
        _at_least("one row in the handler, logistic: times faster", 3, _faster(results, LOGISTIC)),
        _at_least(
            "requests/s over HTTP, forest: times the baseline's",
            30,
            results.throughput[FOREST].ratio(SKYLIFT, BASELINE),
        ),
        _at_most("1,000 instances, forest: microseconds each", 6, thousand),
        *(
            _at_most(f"resident memory, {model}: share of the baseline's", 0.6, series.ratio(SKYLIFT, BASELINE))
            for model, series in results.memory_later.items()
        ),
    ]


def _boosting(results: Results) -> Iterator[Target]:
    """What boosting must reach; nothing of an earlier run without it."""
    if BOOSTING not in results.handler:
        return
    yield _at_least("one row in the handler, boosting: times faster", 30, _faster(results, BOOSTING))
    starts = [results.cold_start[model].of(SKYLIFT) for model in (BOOSTING, FOREST)]
    yield _at_most("cold start, boosting: times the forest's", 1.15, starts[0] / starts[1])


def _faster(results: Results, model: str) -> float:
    return results.handler[model].ratio(BASELINE, SKYLIFT)


def _at_most(figure: str, bound: float, value: float) -> Target:
    return Target(figure=figure, bound=f"at most {bound:g}", value=value, reached=value <= bound)


def _at_least(figure: str, bound: float, value: float) -> Target:
    return Target(figure=figure, bound=f"at least {bound:g}", value=value, reached=value >= bound)
