"""The version: in one place, from which the package takes it."""

import re

from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager

import skylift
from tests.support.paths import ROOT


def test_the_package_has_the_version_that_the_code_names() -> None:
    metadata = ProjectMetadata(str(ROOT), PluginManager())

    assert metadata.version == skylift.__version__


def test_it_is_a_release_number() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", skylift.__version__)


def test_the_changelog_has_a_section_for_it() -> None:
    assert f"## [{skylift.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
