"""Grafana's dashboards: generated, and about metrics that exist."""

import json
import re
from typing import Any, get_args

import pytest
import yaml

from skylift.monitoring.exposition import FAMILIES
from skylift.observability import NAMESPACE, MetricName, WindowMetricName
from tests.support.paths import ROOT
from tools.dashboards import FOLDER, dashboards, main

RECORDED = {
    rule["record"]
    for group in yaml.safe_load((ROOT / "monitoring" / "rules.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
}


def targets(name: str) -> list[dict[str, Any]]:
    """The queries of all panels of a dashboard."""
    return [target for panel in json.loads(dashboards()[name])["panels"] for target in panel["targets"]]


def test_the_files_are_those_of_the_generator() -> None:
    stored = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}

    assert stored == dashboards(), "run `python -m tools.dashboards`"


def test_writing_them_again_changes_nothing() -> None:
    before = {path: path.read_bytes() for path in FOLDER.iterdir()}

    main()

    assert {path: path.read_bytes() for path in FOLDER.iterdir()} == before


@pytest.mark.parametrize("name", dashboards())
def test_a_dashboard_asks_the_source_that_its_reader_chooses(name: str) -> None:
    document = json.loads(dashboards()[name])

    variables = {variable["name"] for variable in document["templating"]["list"]}
    assert {panel["datasource"]["uid"] for panel in document["panels"]} == {"${source}"}
    used = set(re.findall(r"\$\{?(\w+)\}?", json.dumps(document))) - {"PROP"}
    assert used == variables
    assert document["uid"] == f"skylift-{name.removesuffix('.json')}"


def test_every_metric_of_prometheus_is_shown_or_recorded_and_no_other() -> None:
    asked = " ".join(target["expr"] for target in targets("prometheus.json"))
    rules = (ROOT / "monitoring" / "rules.yml").read_text(encoding="utf-8")

    names = set(re.findall(r"\w+(?::\w+)+|(?:ml|api|process)_\w+", asked))
    assert names <= RECORDED | {family.name for family in FAMILIES}
    assert [family.name for family in FAMILIES if family.name not in asked + rules] == [
        "api_errors_total"
    ]  # for runbooks


def test_every_metric_of_cloudwatch_is_one_that_is_written() -> None:
    asked = targets("cloudwatch.json")

    assert {target["metricName"] for target in asked} <= {
        *get_args(MetricName.__value__),
        *get_args(WindowMetricName.__value__),
    }
    assert {target["namespace"] for target in asked} == {NAMESPACE}
    assert {"stage", "model"} <= set.intersection(*(set(target["dimensions"]) for target in asked))
