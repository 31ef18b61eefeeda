"""Whether a training would give what is published already."""

from pathlib import Path
from typing import Any

import pytest

from skylift.references import sha256
from skylift.registry import Registry
from tests.support.models import changed, iris_package
from tests.support.stored import placed
from training.cli.freshness import code_digest, fresh_version
from training.config import ModelConfig, load_config

TABLE = b"x,y\n1,a\n"


@pytest.fixture
def config(tmp_path: Path) -> ModelConfig:
    (tmp_path / "table.csv").write_bytes(TABLE)
    path = tmp_path / "model.yaml"
    path.write_text("model: iris\ndata: {path: table.csv}\ntarget: {column: y}\n", encoding="utf-8")
    return load_config(path)


def publish(registry: Registry, **lineage: Any) -> str:
    package = iris_package()
    described = package.describe(1).lineage.model_copy(update=lineage)
    package = changed(package, lineage=described)
    return placed(package).name


def test_the_active_version_is_fresh_while_some_version_has_the_same_inputs(
    registry: Registry, config: ModelConfig
) -> None:
    assert fresh_version(config, registry, code_digest(config)) is None  # nothing serves

    publish(registry, data_sha256=sha256(TABLE), config_sha256=config.digest)
    publish(registry)
    registry.promote("v2")  # promoted by hand: it stays

    version = fresh_version(config, registry, code_digest(config))
    assert version is not None
    assert version.reference.name == "v2"


def test_another_table_configuration_or_code_is_trained(
    registry: Registry, config: ModelConfig, tmp_path: Path
) -> None:
    publish(registry, data_sha256=sha256(TABLE), config_sha256=config.digest)
    registry.promote("v1")
    assert fresh_version(config, registry, code_digest(config)) is not None

    assert fresh_version(config, registry, None) is None
    assert fresh_version(config, registry, "0" * 64) is None
    (tmp_path / "model.yaml").write_text("model: iris\ndata: {path: table.csv}\ntarget: {column: x}\n", "utf-8")
    assert fresh_version(load_config(tmp_path / "model.yaml"), registry, code_digest(config)) is None
    (tmp_path / "table.csv").write_bytes(TABLE + b"2,b\n")
    assert fresh_version(config, registry, code_digest(config)) is None
    (tmp_path / "table.csv").unlink()
    assert fresh_version(config, registry, code_digest(config)) is None  # training tells why


def test_another_source_of_the_users_own_is_trained(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_bytes(TABLE)
    (tmp_path / "prices.py").write_text("A = 1")
    document = (
        "{model: iris, data: {path: table.csv}, target: {column: y}, candidates: [{name: c, estimator: prices.C}]}"
    )
    (tmp_path / "model.yaml").write_text(document, encoding="utf-8")
    config = load_config(tmp_path / "model.yaml")
    trained = code_digest(config)
    publish(registry, data_sha256=sha256(TABLE), config_sha256=config.digest)
    registry.promote("v1")
    assert fresh_version(config, registry, trained) is not None

    (tmp_path / "prices.py").write_text("A = 2")

    assert fresh_version(config, registry, trained) is None
