"""Which versions may be put on trial: those that could go live, and that fit beside the champion."""

import sys
from typing import Any

import pytest

from skylift import footprint
from skylift.errors import ExperimentRefused, PromotionRefused
from skylift.experiment import examination
from skylift.experiment.examination import examine
from skylift.footprint import SERVICE_MIB, Footprint
from skylift.registry import Registry
from skylift.verification import Version
from tests.support.models import changed, compiled_iris_package, iris_package
from tests.support.stored import placed, promoted

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
SMALL = Footprint(base=60, rest=100, peak=100, row_ms=1)
LARGE = Footprint(base=90, rest=300, peak=500, row_ms=9)


@pytest.fixture
def champion(registry: Registry) -> Version:
    """The first version, compiled and promoted."""
    return registry.version(promoted(compiled_iris_package()))


@pytest.fixture
def slow(registry: Registry, champion: Version) -> Version:
    """The second version, which is not compiled."""
    return registry.version(placed(iris_package()))


def _measures(monkeypatch: pytest.MonkeyPatch, **figures: Footprint) -> None:
    """Let versions have these figures, by name."""

    def measured(version: Version, read: Any) -> Footprint:
        read("model.joblib")
        return figures[version.reference.name]

    for module in (footprint, examination):
        monkeypatch.setattr(module, "measure", measured)


def test_a_version_that_could_go_live_may_be_put_on_trial(registry: Registry, champion: Version, slow: Version) -> None:
    assert examine(registry, "v2", champion, shadow=False) == slow
    assert registry.active() == champion.reference


def test_the_champion_is_not_its_own_challenger(registry: Registry, champion: Version) -> None:
    with pytest.raises(ExperimentRefused, match="v1 is the active version"):
        examine(registry, "1", champion, shadow=False)


def test_fields_that_differ_are_named_with_what_to_do(registry: Registry, champion: Version) -> None:
    contract = champion.manifest.contract
    features = (contract.features[0].model_copy(update={"name": "length"}), *contract.features[1:])
    package = changed(iris_package(), contract=contract.model_copy(update={"features": features}))
    placed(package)

    with pytest.raises(ExperimentRefused) as caught:
        examine(registry, "v2", champion, shadow=False)

    assert "length: required, and not asked for so far; sepal_length: unknown" in caught.value.message
    assert "skylift promote v2" in caught.value.hint


@LINUX
def test_a_shadow_that_is_not_compiled_is_refused_if_it_takes_long(
    registry: Registry, champion: Version, slow: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    _measures(monkeypatch, v2=LARGE)

    with pytest.raises(
        ExperimentRefused, match="in the shadow it would add 9 ms to each request, more than 5"
    ) as caught:
        examine(registry, "v2", champion, shadow=True)

    assert "--force" in caught.value.hint
    assert examine(registry, "v2", champion, shadow=False) == slow


@LINUX
def test_a_shadow_that_is_not_compiled_and_quick_is_not_refused(
    registry: Registry, champion: Version, slow: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    _measures(monkeypatch, v2=SMALL)

    assert examine(registry, "v2", champion, shadow=True) == slow


def test_a_compiled_shadow_is_not_measured(registry: Registry, champion: Version) -> None:
    published = registry.version(placed(compiled_iris_package()))

    assert examine(registry, "v2", champion, shadow=True) == published


@LINUX
def test_both_have_to_fit(
    registry: Registry, champion: Version, slow: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    _measures(monkeypatch, v1=SMALL, v2=LARGE)
    enough = LARGE.base + SERVICE_MIB + SMALL.rest + LARGE.peak

    with pytest.raises(PromotionRefused, match="v2 does not fit: beside the active version, the service needs 740 MiB"):
        examine(registry, "v2", champion, shadow=False, memory_mib=enough - 1)

    assert examine(registry, "v2", champion, shadow=False, memory_mib=enough) == slow
