"""compose.yaml: by the schema of the Compose specification, and about files, ports and options that exist."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.support.paths import ROOT

FOLDER = ROOT / "monitoring"


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


COMPOSE = load(ROOT / "compose.yaml")
SERVICES = COMPOSE["services"]


def test_it_is_by_the_schema_of_the_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--quiet", "--builtin-schema", "vendor.compose-spec"]
    ended = subprocess.run([*command, "compose.yaml"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_everything_that_is_mounted_or_copied_is_there() -> None:
    mounts = [volume.split(":")[0] for service in SERVICES.values() for volume in service["volumes"]]

    assert all((ROOT / mount).exists() if mount.startswith(".") else mount in COMPOSE["volumes"] for mount in mounts)
    dockerfile = (ROOT / SERVICES["service"]["build"]["dockerfile"]).read_text(encoding="utf-8")
    sources = [name for line in re.findall(r"^COPY (.+) \S+$", dockerfile, re.MULTILINE) for name in line.split()]
    assert [source for source in sources if not (ROOT / source).exists()] == []
    ignored = (FOLDER / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert [source for source in sources if f"!{source}" not in ignored] == []


def test_ports_are_open_to_this_machine_alone() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert {port.rsplit(":", 1)[1] for port in ports} == {"8000", "9090", "3000"}


def test_prometheus_scrapes_the_service_by_its_name() -> None:
    (scraped,) = load(FOLDER / "prometheus.yml")["scrape_configs"][0]["file_sd_configs"][0]["files"]
    mounted = {target: source for source, target, *_ in (each.split(":") for each in SERVICES["prometheus"]["volumes"])}

    assert load(ROOT / mounted[f"/etc/prometheus/{scraped}"]) == [{"targets": ["service:8000"]}]
    assert load(FOLDER / scraped) == [{"targets": ["127.0.0.1:8000"]}]
    assert SERVICES["grafana"]["environment"]["PROMETHEUS_URL"] == "http://prometheus:9090"


def test_grafana_finds_its_sources_and_dashboards() -> None:
    provisioning = FOLDER / "grafana" / "provisioning"
    sources = load(provisioning / "datasources" / "skylift.yml")["datasources"]
    (provider,) = load(provisioning / "dashboards" / "skylift.yml")["providers"]

    variables = set(re.findall(r"\$(\w+)", (provisioning / "datasources" / "skylift.yml").read_text(encoding="utf-8")))
    assert variables <= set(SERVICES["grafana"]["environment"])
    assert {source["type"] for source in sources} == {"prometheus", "cloudwatch"}
    mounted = dict(volume.split(":")[:2] for volume in SERVICES["grafana"]["volumes"])
    assert mounted["./monitoring/grafana/dashboards"] == provider["options"]["path"]


def test_nobody_can_sign_in_to_grafana_with_a_password_that_everybody_knows() -> None:
    environment = SERVICES["grafana"]["environment"]

    assert environment["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
