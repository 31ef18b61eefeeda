"""Grafana dashboards of the service and its model, for a Prometheus and for CloudWatch.

python -m tools.dashboards               writes monitoring/grafana/dashboards/ again
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders import cloudwatch, dashboard, prometheus, timeseries
from grafana_foundation_sdk.builders.common import VizLegendOptions
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.cloudwatch import CloudWatchQueryMode, MetricEditorMode, MetricQueryType
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from skylift.observability import NAMESPACE, MetricName, WindowMetricName

FOLDER = Path(__file__).parents[1] / "monitoring" / "grafana" / "dashboards"

_SECONDS, _MILLISECONDS, _SHARE, _RATE, _BYTES, _COUNT = "s", "ms", "percentunit", "reqps", "bytes", "short"
_WIDTH, _HEIGHT = 8, 8
_SOURCE = "${source}"

type Query = tuple[str, str]
"""PromQL, and the legend of its series."""

PROMETHEUS: tuple[tuple[str, str, str, tuple[Query, ...]], ...] = (
    (
        "Requests",
        "By route and status.",
        _RATE,
        (("sum by (route, status) (rate(api_requests_total[5m]))", "{{route}} {{status}}"),),
    ),
    ("Failed requests", "Share answered with a 5xx status.", _SHARE, (("job:api_errors:ratio_rate5m", "{{job}}"),)),
    (
        "Latency of requests",
        "95th and 99th percentile.",
        _SECONDS,
        (
            ("job:api_request_duration_seconds:p95_5m", "{{job}} p95"),
            ("job:api_request_duration_seconds:p99_5m", "{{job}} p99"),
        ),
    ),
    (
        "Instances scored",
        "Which version answers.",
        _RATE,
        (("job_model_version:ml_predictions:rate5m", "{{model}} {{version}}"),),
    ),
    (
        "Refused or failed predictions",
        "By reason.",
        _RATE,
        (("job_model_reason:ml_prediction_errors:rate5m", "{{model}} {{reason}}"),),
    ),
    (
        "Latency of predictions",
        "By version: 95th and 99th percentile.",
        _SECONDS,
        (
            ("job_model_version:ml_prediction_duration_seconds:p95_5m", "{{version}} p95"),
            ("job_model_version:ml_prediction_duration_seconds:p99_5m", "{{version}} p99"),
        ),
    ),
    (
        "Drift",
        "Features that drift in the monitor's latest window; 1 where all in all it drifts.",
        _COUNT,
        (
            ("max by (model, version) (ml_drifted_feature_count)", "{{model}} {{version}} features"),
            ("max by (model, version) (ml_drift_detected)", "{{model}} {{version}} drift"),
        ),
    ),
    (
        "Accuracy",
        "Expected from confidence, blind to concept drift; live by labels.",
        _SHARE,
        (("max by (model, version, status) (ml_model_accuracy)", "{{model}} {{version}} {{status}}"),),
    ),
    (
        "Versions in place",
        "Processes that have a version, and loads that failed.",
        _COUNT,
        (
            ("sum by (model, version) (ml_model_loaded)", "{{model}} {{version}}"),
            ('sum by (model) (increase(ml_model_load_total{status="failure"}[5m]))', "{{model}} failed"),
        ),
    ),
    ("Memory", "Resident memory of each process.", _BYTES, (("process_memory_rss_bytes", "{{instance}}"),)),
    ("Processor", "100 is one processor.", "percent", (("process_cpu_percent", "{{instance}}"),)),
    ("Threads", "Of each process.", _COUNT, (("process_thread_count", "{{instance}}"),)),
)
"""Title, words, unit and queries of each panel."""

type Statistic = tuple[MetricName | WindowMetricName, str]

CLOUDWATCH: tuple[tuple[str, str, str, tuple[Statistic, ...], str | None], ...] = (
    ("Instances scored", "Which version answers, a minute.", _COUNT, (("Predictions", "Sum"),), "version"),
    ("Refused or failed predictions", "By reason, a minute.", _COUNT, (("PredictionErrors", "Sum"),), "reason"),
    (
        "Latency of predictions",
        "Median, 95th and 99th percentile.",
        _MILLISECONDS,
        (("PredictionLatency", "p50"), ("PredictionLatency", "p95"), ("PredictionLatency", "p99")),
        None,
    ),
    (
        "Drift",
        "Features that drift in the monitor's latest window.",
        _COUNT,
        (("DriftedFeatures", "Maximum"),),
        None,
    ),
    (
        "Largest shift",
        "Jensen-Shannon distance of the feature that moved most; 0.1 matters.",
        _COUNT,
        (("LargestShift", "Maximum"),),
        None,
    ),
    (
        "Accuracy",
        "Expected from confidence, blind to concept drift; live by labels.",
        _SHARE,
        (("ExpectedAccuracy", "Average"), ("LiveAccuracy", "Average")),
        None,
    ),
    ("Labels", "Share of the predictions that have one.", _SHARE, (("LabelCoverage", "Average"),), None),
    ("Rows in the window", "What the monitor judged.", _COUNT, (("WindowRows", "Maximum"),), None),
    (
        "Versions in place",
        "Loads and their failures, and reads of the pointer that failed.",
        _COUNT,
        (("ModelLoads", "Sum"), ("ModelLoadFailures", "Sum"), ("RefreshFailures", "Sum")),
        None,
    ),
)
"""Title, words, unit and statistics of each panel, and the dimension that its series are of."""


def dashboards() -> dict[str, str]:
    """The dashboards as JSON, by file name."""
    return {
        "prometheus.json": _written(_prometheus()),
        "cloudwatch.json": _written(_cloudwatch()),
    }


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in dashboards().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def _prometheus() -> dashboard.Dashboard:
    panels = (
        _panel(title, words, unit, "prometheus", (_promql(*query, place) for place, query in enumerate(queries)))
        for title, words, unit, queries in PROMETHEUS
    )
    return _dashboard("Skylift (Prometheus)", "skylift-prometheus", "prometheus", panels)


def _cloudwatch() -> dashboard.Dashboard:
    panels = (
        _panel(title, words, unit, "cloudwatch", (_metric(*each, by, place) for place, each in enumerate(statistics)))
        for title, words, unit, statistics, by in CLOUDWATCH
    )
    return (
        _dashboard("Skylift (CloudWatch)", "skylift-cloudwatch", "cloudwatch", panels)
        .with_variable(dashboard.TextBoxVariable("region").label("Region").default_value("default"))
        .with_variable(dashboard.TextBoxVariable("stage").label("Stage").default_value("dev"))
        .with_variable(dashboard.TextBoxVariable("model").label("Model").default_value("iris"))
    )


def _dashboard(title: str, uid: str, source: str, panels: Iterable[timeseries.Panel]) -> dashboard.Dashboard:
    board = (
        dashboard.Dashboard(title)
        .uid(uid)
        .tags(["skylift"])
        .time("now-6h", "now")
        .refresh("30s")
        .readonly()
        .with_variable(dashboard.DatasourceVariable("source").label("Source").type(source))
    )
    for panel in panels:
        board = board.with_panel(panel)
    return board


def _panel(title: str, words: str, unit: str, source: str, queries: Iterable[Any]) -> timeseries.Panel:
    legend = VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM).show_legend(True)
    panel = (
        timeseries.Panel()
        .title(title)
        .description(words)
        .unit(unit)
        .min(0)
        .span(_WIDTH)
        .height(_HEIGHT)
        .legend(legend)
        .datasource(DataSourceRef(type_val=source, uid=_SOURCE))
    )
    for query in queries:
        panel = panel.with_target(query)
    return panel


def _promql(expression: str, legend: str, place: int) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(expression).legend_format(legend).ref_id(_reference(place))


def _metric(
    name: MetricName | WindowMetricName, statistic: str, by: str | None, place: int
) -> cloudwatch.CloudWatchMetricsQuery:
    dimensions: dict[str, str | list[str]] = {"stage": ["$stage"], "model": ["$model"]}
    if by:
        dimensions[by] = ["*"]
    return (
        cloudwatch.CloudWatchMetricsQuery()
        .ref_id(_reference(place))
        .query_mode(CloudWatchQueryMode.METRICS)
        .metric_query_type(MetricQueryType.SEARCH)
        .metric_editor_mode(MetricEditorMode.BUILDER)
        .region("$region")
        .namespace(NAMESPACE)
        .metric_name(name)
        .statistic(statistic)
        .dimensions(dimensions)
        .match_exact(True)
        .label(f"${{PROP('Dim.{by}')}}" if by else f"{name} {statistic}")
    )


def _reference(place: int) -> str:
    """Grafana's name of a query in its panel: A, B, C."""
    return chr(ord("A") + place)


def _written(board: dashboard.Dashboard) -> str:
    return json.dumps(json.loads(JSONEncoder(sort_keys=True, indent=2).encode(board.build())), indent=2) + "\n"


if __name__ == "__main__":
    main()
