"""Evaluations and comparisons on a terminal: the essentials, in tables that align."""

from __future__ import annotations  # what is printed is only named here: a comparison imports scikit-learn

from typing import TYPE_CHECKING

from skylift.figures import exact_text, format_value
from training.cli.console import facts, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.table import Table

    from skylift.metrics import Interval
    from training.evaluation.comparison import ComparedFact, Comparison, PublishedMetric
    from training.evaluation.report import Evaluation
    from training.metrics.intervals import Difference

_MAX_CLASSES = 20
_MAX_ROWS = 20
_NOTHING = "-"


def evaluation_tables(evaluation: Evaluation) -> Iterator[Table]:
    """What a person looks at first."""
    yield _metrics(evaluation)
    if 0 < len(evaluation.classes) <= _MAX_CLASSES:
        yield _classes(evaluation)
    yield facts(_findings(evaluation))


def comparison_tables(comparison: Comparison) -> Iterator[Table]:
    """Two versions side by side, and what they answer differently."""
    before, after = comparison.before, comparison.after
    columns = ("metric", f"{before} cv#", f"{after} cv#", f"{before} holdout#", "95%", f"{after} holdout#", "95%")
    rows = [
        (name, _folds(first), _folds(second), *_holdout(first), *_holdout(second))
        for name, (first, second) in comparison.metrics.items()
    ]
    yield table(columns, rows, title="Metrics, as published")
    for title, pairs in (
        ("Data", comparison.data),
        ("Parameters", comparison.parameters),
        ("Environment", comparison.environment),
    ):
        yield _side_by_side(title, pairs, before, after)
    if (scored := comparison.scored) is not None:
        yield table(
            ("metric", f"{before}#", f"{after}#", "difference#", "95%", "test", "verdict"),
            [_difference_row(difference) for difference in scored.differences],
            title=f"On the same {scored.rows} rows",
        )
        title = "Largest differences" if scored.changed is None else f"Rows with another label: {scored.changed}"
        if scored.examples:
            examples = scored.examples[:_MAX_ROWS]
            yield table(
                ("row#", "true", before, after),
                [(str(row.row), *(_answer(value) for value in (row.true, row.before, row.after))) for row in examples],
                title=title
                if len(examples) == (scored.changed or len(examples))
                else f"{title}, of which the first {len(examples)}",
            )
        else:
            yield facts([("rows", "both versions give the same predictions")])
    if comparison.notes:
        yield facts([("note", note) for note in comparison.notes])


def _metrics(evaluation: Evaluation) -> Table:
    champion = evaluation.champion
    compared = champion is not None and bool(champion.metrics)
    columns = ["metric", "holdout#", f"{evaluation.level:.0%} interval", "cross-validated#", "dummy#"]
    rows = []
    for name, measure in evaluation.metrics.items():
        folds = measure.cross_validated
        cells = [
            name,
            _number(measure.value),
            _interval(measure.interval),
            _NOTHING if folds is None else str(folds),
            _number(measure.baseline),
        ]
        rows.append([*cells, _number(champion.metrics.get(name))] if compared and champion else cells)
    if compared and champion:
        columns.append(f"active {champion.version}#")
    return table(columns, rows, title=f"Holdout, {evaluation.rows:,} rows")


def _classes(evaluation: Evaluation) -> Table:
    rows = [
        (
            str(report.name),
            format_value(report.precision),
            format_value(report.recall),
            _interval(report.intervals.get("recall")),
            format_value(report.f1),
            _number(report.roc_auc),
            _number(report.average_precision),
            str(report.support),
        )
        for report in evaluation.classes
    ]
    columns = ("class", "precision#", "recall#", "95% of recall", "f1#", "roc_auc#", "pr_auc#", "rows#")
    return table(columns, rows, title="Classes, on the holdout")


def _findings(evaluation: Evaluation) -> Iterator[tuple[str, str]]:
    if (errors := evaluation.residuals) is not None:
        quantiles = ", ".join(f"{float(level):.0%} {value:.4g}" for level, value in errors.quantiles.items())
        yield "errors", f"within: {quantiles}; bias {errors.bias:.4g}"
    if (slices := evaluation.slices) is not None and slices.worst is not None:
        worst = slices.worst
        within = f" ({worst.interval})" if worst.interval else ""
        value = f"{slices.metric} {format_value(worst.metrics[slices.metric])}{within}"
        yield "worst slice", f"{worst.column} {worst.value}: {value} on {worst.rows} rows"
    if evaluation.importance:
        first = ", ".join(
            f"{importance.feature} {format_value(importance.mean)} +- {format_value(importance.std)}"
            for importance in evaluation.importance[:4]
        )
        yield "importance", first
    if (champion := evaluation.champion) is not None:
        if (difference := champion.difference) is None:
            yield "active version", f"{champion.version} was not compared: {champion.reason}"
        else:
            changed = "" if champion.changed_labels is None else f"; {champion.changed_labels} rows change label"
            yield "active version", f"{champion.version}: {difference.metric} {_words(difference)}{changed}"
    failed = [f"{check.name}: {check.detail}" for check in evaluation.behaviour if not check.passed]
    yield "behaviour", "; ".join(failed) or ", ".join(check.name for check in evaluation.behaviour) + ": as expected"


def _words(difference: Difference) -> str:
    values = f"{format_value(difference.before)} -> {format_value(difference.after)}"
    return f"{values}, {_verdict(difference)} ({_test(difference)})"


def _difference_row(difference: Difference) -> tuple[str, ...]:
    return (
        difference.metric,
        format_value(difference.before),
        format_value(difference.after),
        ("+" if difference.after >= difference.before else "") + format_value(difference.after - difference.before),
        _interval(difference.interval),
        _test(difference),
        _verdict(difference),
    )


def _test(difference: Difference) -> str:
    return difference.test if difference.p_value is None else f"{difference.test}, p = {difference.p_value:.2g}"


def _verdict(difference: Difference) -> str:
    return "within noise" if difference.within_noise else "more than noise"


def _side_by_side(title: str, pairs: Sequence[ComparedFact], before: str, after: str) -> Table:
    rows = [("*" if pair.differs else "", pair.name, pair.before or _NOTHING, pair.after or _NOTHING) for pair in pairs]
    return table(("", "", before, after), rows, title=title)


def _folds(side: PublishedMetric) -> str:
    folds = side.cross_validated
    return _NOTHING if folds is None else str(folds)


def _holdout(side: PublishedMetric) -> tuple[str, str]:
    return _number(side.holdout), _interval(side.interval)


def _number(value: float | None) -> str:
    return _NOTHING if value is None else format_value(value)


def _interval(interval: Interval | None) -> str:
    return _NOTHING if interval is None else str(interval)


def _answer(value: object) -> str:
    return exact_text(value) if isinstance(value, float) else str(value)
