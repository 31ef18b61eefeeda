"""The bill of materials holds what the Dockerfile installs on Lambda, and nothing else."""

import re
from pathlib import Path

from deploy.images import base_of
from deploy.os_packages import Package
from deploy.release import FOLDERS
from deploy.sbom import cyclonedx
from tests.support.paths import ROOT
from tests.support.templates import source

REQUIREMENTS = """
# made by make lock
numpy==2.5.5 \\
    --hash=sha256:abc
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:def
tomli==2.0.0 ; python_full_version < '3.11'
"""


def test_packages_that_hold_on_lambda_are_components() -> None:
    document = cyclonedx({"inference": REQUIREMENTS}, {"inference": "sha256:1a"}, "c" * 40, {"inference": ()})

    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert [each["purl"] for each in document["components"] if "purl" in each] == ["pkg:pypi/numpy@2.5.5"]
    assert document["metadata"]["component"]["purl"].endswith(f"?vcs_revision={'c' * 40}")
    assert document["dependencies"][-1] == {"ref": "sha256:1a", "dependsOn": ["pkg:pypi/numpy@2.5.5"]}


def test_packages_belong_to_their_image() -> None:
    bash = Package("bash", "5.2", "pkg:rpm/amzn/bash@5.2?arch=aarch64")
    images = {"inference": "sha256:1a", "other": "sha256:2b"}

    document = cyclonedx(
        {"inference": REQUIREMENTS, "other": "mlflow==3.1"}, images, None, {"inference": (bash,), "other": None}
    )

    assert {
        "type": "library",
        "bom-ref": bash.purl,
        "name": "bash",
        "version": "5.2",
        "purl": bash.purl,
    } in document["components"]
    assert document["dependencies"][1:] == [
        {"ref": "sha256:1a", "dependsOn": ["pkg:pypi/numpy@2.5.5", bash.purl]},
        {"ref": "sha256:2b", "dependsOn": ["pkg:pypi/mlflow@3.1"]},
    ]
    assert len({each["bom-ref"] for each in document["components"]}) == len(document["components"])


def test_it_says_that_it_is_not_complete_and_where_packages_are_unknown() -> None:
    images = {"inference": "sha256:1a", "other": "sha256:2b"}

    document = cyclonedx(dict.fromkeys(images, REQUIREMENTS), images, None, {"inference": (), "other": None})

    assert document["compositions"] == [
        {"aggregate": "incomplete", "dependencies": ["sha256:1a"]},
        {"aggregate": "unknown", "dependencies": ["sha256:2b"]},
    ]
    assert [each["properties"][0]["value"] for each in document["components"][:2]] == ["0", "unknown"]


def test_all_images_have_one_base_and_pins_of_their_own() -> None:
    assert len({base_of(ROOT / folder / "Dockerfile") for folder in FOLDERS.values()}) == 1
    resources = source()["Resources"].values()
    built = {
        one["Metadata"]["DockerTag"]: one["Metadata"] for one in resources if "DockerTag" in one.get("Metadata", {})
    }
    assert {tag: Path(each["Dockerfile"]).parent for tag, each in built.items()} == FOLDERS
    for folder in FOLDERS.values():
        assert f"{folder.as_posix()}/requirements.txt" in (ROOT / folder / "Dockerfile").read_text(encoding="utf-8")


def test_every_pin_of_the_image_is_in_it_for_the_python_of_its_base() -> None:
    text = (ROOT / "functions" / "inference" / "requirements.txt").read_text(encoding="utf-8")
    document = cyclonedx({"inference": text}, {"inference": "sha256:1a"}, None, {"inference": ()})

    assert {each["name"] for each in document["components"]} >= {
        "inference",
        "fastapi",
        "numpy",
        "onnxruntime",
        "scikit-learn",
    }
    assert "purl" not in document["metadata"]["component"]
    dockerfile = (ROOT / "functions" / "inference" / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"lambda/python:3\.13\b", dockerfile)
