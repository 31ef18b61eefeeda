"""What Prometheus is told: its own tool accepts and tests it, and every name in it exists."""

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from skylift.monitoring.exposition import FAMILIES
from tests.support.pages import anchors
from tests.support.paths import ROOT
from tests.support.templates import source

FOLDER = ROOT / "monitoring"
PROMTOOL = shutil.which("promtool")


def rules_of(name: str) -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


RULES = [*rules_of("rules.yml"), *rules_of("alerts.yml")]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}


@pytest.mark.skipif(PROMTOOL is None, reason="needs promtool: .ci/prometheus.sh installs it on Debian")
@pytest.mark.parametrize("check", [("check", "config", "prometheus.yml"), ("test", "rules", "rules_test.yml")])
def test_promtool_finds_nothing_wrong(check: tuple[str, ...]) -> None:
    ended = subprocess.run([PROMTOOL or "", *check], cwd=FOLDER, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_rule_reads_only_metrics_that_are_exposed_or_recorded() -> None:
    known = {"up"} | {rule["record"] for rule in RULES if "record" in rule}
    for family in FAMILIES:
        known |= {family.name + ending for ending in (("_bucket",) if family.kind == "histogram" else ("",))}

    for rule in RULES:
        expression = re.sub(r"\{[^}]*\}|\[[^]]*\]|by \([^)]*\)", "", rule["expr"])
        assert set(re.findall(r"[a-z_]+(?::[a-z0-9_]+)+|(?:ml|api|process)_\w+|up\b", expression)) <= known


def test_every_alert_is_tested_and_has_its_section_in_the_runbook() -> None:
    tests = (FOLDER / "rules_test.yml").read_text(encoding="utf-8")

    assert set(re.findall(r"alertname: (\w+)", tests)) == set(ALERTS)
    for name, alert in ALERTS.items():
        page, _, anchor = alert["annotations"]["runbook"].partition("#")
        assert anchor == name.lower()
        assert anchor in anchors(ROOT / page)


def test_thresholds_are_those_of_the_alarms_of_the_stack() -> None:
    parameters = source()["Parameters"]

    percent, milliseconds = (parameters[name]["Default"] for name in ("ErrorRateThreshold", "LatencyThreshold"))
    assert ALERTS["SkyliftServerErrors"]["expr"].endswith(f" > {percent / 100:g}")
    assert ALERTS["SkyliftLatency"]["expr"].endswith(f" > {milliseconds / 1000:g}")
