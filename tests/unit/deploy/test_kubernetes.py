"""The manifests for Kubernetes fit the server that they run."""

from typing import Any

import pytest
import yaml

from inference.server import GRACEFUL_SECONDS
from inference.settings import InferenceSettings
from skylift.http.paths import READINESS
from tests.support.paths import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
DOCUMENTS = {each["kind"]: each for each in yaml.safe_load_all((FOLDER / "skylift.yaml").read_text(encoding="utf-8"))}
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text(encoding="utf-8"))
VARIABLES = dict(line.split("=") for line in KUSTOMIZATION["configMapGenerator"][0]["literals"])


@pytest.fixture
def pod() -> dict[str, Any]:
    spec: dict[str, Any] = DOCUMENTS["Deployment"]["spec"]["template"]["spec"]
    return spec


@pytest.fixture
def container(pod: dict[str, Any]) -> dict[str, Any]:
    (container,) = pod["containers"]
    found: dict[str, Any] = container
    return found


def test_everything_means_the_same_pods() -> None:
    labels = DOCUMENTS["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert DOCUMENTS["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert DOCUMENTS["Service"]["spec"]["selector"] == labels
    assert DOCUMENTS["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert DOCUMENTS["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"] == "skylift"


def test_probes_ask_paths_of_the_server(container: dict[str, Any]) -> None:
    assert container["readinessProbe"]["httpGet"]["path"] in READINESS
    assert container["livenessProbe"]["httpGet"]["path"] not in READINESS
    port = container["ports"][0]["containerPort"]
    assert container["command"][container["command"].index("--port") + 1] == str(port)


def test_a_pod_has_time_to_end(pod: dict[str, Any], container: dict[str, Any]) -> None:
    drain, probe = float(VARIABLES["SKYLIFT_DRAIN_SECONDS"]), container["readinessProbe"]
    assert drain > 2 * probe["periodSeconds"] * probe["failureThreshold"], (
        "traffic stops while requests are still taken"
    )
    assert pod["terminationGracePeriodSeconds"] >= drain + GRACEFUL_SECONDS


def test_a_container_has_no_rights(pod: dict[str, Any], container: dict[str, Any]) -> None:
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    allowed = container["securityContext"]
    assert (allowed["allowPrivilegeEscalation"], allowed["readOnlyRootFilesystem"]) == (False, True)
    assert allowed["capabilities"] == {"drop": ["ALL"]}


def test_every_variable_is_a_setting() -> None:
    settings = {f"SKYLIFT_{name.upper()}" for name in InferenceSettings.model_fields}
    assert set(VARIABLES) - settings == {"AWS_REGION"}


def test_an_update_takes_no_pod_away_before_another_is_ready() -> None:
    assert DOCUMENTS["Deployment"]["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
