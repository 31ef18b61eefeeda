"""Every metric of the registry works wherever metrics are used: nothing else in the source names one."""

from html import escape
from pathlib import Path
from typing import Any

import pytest

from skylift.errors import GateFailed
from skylift.registry import Registry
from tests.support.tables import LOGISTIC, RIDGE, config_of, lines
from training.cli.console import leaderboard_table, out
from training.cli.evaluation_tables import comparison_tables, evaluation_tables
from training.data.prepare import prepare
from training.evaluation.champion import load_active
from training.evaluation.comparison import compare_versions
from training.job import train
from training.metrics.registry import METRICS, Metric
from training.release.folder import evaluate, write_version
from training.release.packaging import pack

LABELS = lines("x,n,y", lambda row: f"{row},{row * 7 % 11},{'ab'[(row + row * 7 % 23) // 60]}", count=100)
VALUES = lines("x,n,y", lambda row: f"{row},{row * 7 % 11},{3 * row + row % 5}", count=60)
BOUNDED = {name: metric for name, metric in METRICS.items() if metric.selectable}
SELECTING = {name: metric for name, metric in BOUNDED.items() if metric.selects}


def printed(tables: Any) -> str:
    with out.capture() as captured:
        for table in tables:
            out.print(table)
    return captured.get()


@pytest.mark.parametrize("metric", SELECTING.values(), ids=SELECTING)
def test_a_metric_works_in_selection_gates_intervals_comparison_card_and_evaluate(
    metric: Metric, tmp_path: Path, registry: Registry
) -> None:
    text, candidate = (LABELS, LOGISTIC) if metric.task == "classification" else (VALUES, RIDGE)
    (tmp_path / "table.csv").write_text(text, encoding="utf-8")
    bound = {"max_regression": 0.1, metric.name: {"min": -1e9, "max": 1e9}}
    sections: dict[str, Any] = {"select_by": metric.name, "gates": bound, "evaluation": {"slices": ["n"]}}
    config = config_of(tmp_path / "table.csv", candidates=[candidate], **sections)
    config = config.model_copy(update={"model": "iris"})
    prepare(config.table, tmp_path / "prepared")
    for _ in range(2):
        trained = train(config, prepared=tmp_path / "prepared", champion=load_active(registry))
        package = pack(trained)
        registry.promote(registry.publish(package.describe, package.artifacts).reference)
    write_version(tmp_path / "version", package)
    compared = compare_versions(registry, registry.version("v1"), registry.version("v2"), config.table)
    measured = evaluate(tmp_path / "version", tmp_path / "prepared", config.table, config.gates)

    report = trained.evaluation.metrics[metric.name]
    assert report.interval is not None
    assert report.value is not None
    assert report.interval.low <= report.value <= report.interval.high
    assert report.cross_validated is not None
    assert trained.evaluation.champion is not None
    assert trained.evaluation.champion.difference is not None
    assert (trained.evaluation.champion.difference.metric, trained.evaluation.champion.regression) == (metric.name, 0)
    assert [gate.metric for gate in trained.gates] == [metric.name, metric.name, "behaviour", metric.name]
    trained.check_gates()
    assert compared.scored is not None
    assert compared.scored.differences[0].metric == metric.name
    assert measured.holdout[metric.name] == report.value
    card = package.artifacts["card.html"].decode()
    assert escape(metric.title) in card
    assert escape(metric.meaning) in card
    heading = leaderboard_table(trained).columns[1].header
    assert str(heading).split("\n") == metric.name.split("_"), "a heading breaks between its words"
    assert metric.name in printed(evaluation_tables(trained.evaluation))
    assert metric.name in printed(comparison_tables(compared))


@pytest.mark.parametrize("metric", BOUNDED.values(), ids=BOUNDED)
def test_a_bound_that_a_metric_does_not_keep_refuses_the_model(metric: Metric, tmp_path: Path) -> None:
    text, candidate = (LABELS, LOGISTIC) if metric.task == "classification" else (VALUES, RIDGE)
    (tmp_path / "table.csv").write_text(text, encoding="utf-8")
    unreachable = {"min": 2} if metric.higher_is_better else {"max": -1}
    config = config_of(tmp_path / "table.csv", candidates=[candidate], gates={metric.name: unreachable})

    with pytest.raises(GateFailed, match=rf"gate failed on the holdout: {metric.name} "):
        train(config).check_gates()
