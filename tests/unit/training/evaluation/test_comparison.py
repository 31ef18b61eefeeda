"""Two versions side by side: what they are made of, how they answer the same rows, and what limits that."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from skylift.manifest import MODEL_FILE
from skylift.registry import Registry
from tests.conftest import BUCKET
from tests.support.models import IRIS_CONFIG, changed, iris_config, iris_package, uncompiled
from tests.support.stored import placed
from tests.support.tables import RIDGE, config_of, lines
from training.config import ModelConfig
from training.config.table import SplitSection, ValidateSection
from training.data.encoded import read_table
from training.evaluation.comparison import ComparedFact, Comparison, compare_versions
from training.job import train
from training.release.packaging import Package, pack

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RISING = lines("x,n,y", lambda number: f"{number},{number * 7 % 11},{3 * number + number % 5}", count=60)


def publish(registry: Registry, package: Package) -> None:
    placed(package)


def compared(
    registry: Registry, *, before: str = "v1", after: str = "v2", config: ModelConfig | None = None
) -> Comparison:
    return compare_versions(
        registry, registry.version(before), registry.version(after), (config or iris_config()).table
    )


def differing(facts: tuple[ComparedFact, ...]) -> dict[str, tuple[str | None, str | None]]:
    return {fact.name: (fact.before, fact.after) for fact in facts if fact.differs}


@pytest.fixture
def two(registry: Registry) -> Registry:
    """A registry with two versions of iris: a logistic regression, then a tree."""
    for candidate in ("logistic", "tree"):
        publish(registry, iris_package(candidate))
    return registry


class TestFacts:
    def test_only_what_differs_is_marked(self, two: Registry) -> None:
        comparison = compared(two)

        assert (comparison.before, comparison.after) == ("v1", "v2")
        assert differing(comparison.data) == differing(comparison.environment) == {}
        parameters = differing(comparison.parameters)
        assert parameters["candidate"] == ("logistic", "tree")
        assert parameters["max_depth"] == (None, "3")
        assert "select_by" not in parameters

    def test_each_metric_has_what_both_versions_published(self, two: Registry) -> None:
        before, after = compared(two).metrics["accuracy"]

        for side, version in ((before, two.version("v1")), (after, two.version("v2"))):
            published = version.manifest.metrics
            assert side.holdout == published.holdout["accuracy"]
            assert side.cross_validated == published.cross_validated["accuracy"]
            assert side.interval == published.intervals["accuracy"]


class TestScores:
    def test_rows_with_another_label_are_counted_and_named(self, two: Registry) -> None:
        scored = compared(two).scored

        table = read_table(iris_config().table)
        assert scored is not None
        assert scored.rows == 30
        assert scored.changed == len(scored.examples) > 0
        for example in scored.examples:
            assert example.before != example.after
            assert example.true == table.contract.target.classes[int(table.targets[example.row - 1])]

    def test_a_version_does_not_differ_from_itself(self, two: Registry) -> None:
        scored = compared(two, after="v1").scored

        assert scored is not None
        assert (scored.changed, scored.examples) == (0, ())
        assert {difference.within_noise for difference in scored.differences} == {True}

    def test_the_metric_that_the_later_version_was_selected_by_comes_first(self, registry: Registry) -> None:
        publish(registry, iris_package())
        publish(registry, changed(iris_package("tree"), select_by="log_loss"))

        scored = compared(registry).scored

        assert scored is not None
        assert [difference.metric for difference in scored.differences][:2] == ["log_loss", "accuracy"]

    def test_by_group_chance_draws_whole_groups(self, two: Registry) -> None:
        config = iris_config().model_copy(
            update={
                "split": SplitSection(group="petal_width"),
                "validation": ValidateSection(trusted=("petal_width",)),
            }
        )

        scored = compared(two, config=config).scored

        assert scored is not None
        assert {difference.test for difference in scored.differences} == {"paired bootstrap"}

    def test_values_of_a_regression_that_differ_most_come_first(self, tmp_path: Path, registry: Registry) -> None:
        (tmp_path / "table.csv").write_text(RISING, encoding="utf-8")
        for alpha in (1.0, 500.0):
            config = config_of(tmp_path / "table.csv", candidates=[RIDGE | {"params": {"alpha": alpha}}])
            config = config.model_copy(update={"model": "iris"})
            publish(registry, pack(uncompiled(train(config))))

        scored = compared(registry, config=config).scored

        assert scored is not None
        assert scored.changed is None
        apart = [abs(cast("float", example.before) - cast("float", example.after)) for example in scored.examples]
        assert apart == sorted(apart, reverse=True)
        assert {difference.test for difference in scored.differences} == {"paired bootstrap"}
        assert [difference.within_noise for difference in scored.differences if difference.metric == "rmse"] == [False]
        assert np.isfinite([difference.after for difference in scored.differences]).all()


class TestLimits:
    def test_without_limits_nothing_is_noted(self, two: Registry) -> None:
        assert compared(two).notes == ()

    def test_another_table_than_they_were_trained_on_is_noted(self, tmp_path: Path, two: Registry) -> None:
        config = iris_config()
        path = tmp_path / "flowers.csv"
        assert isinstance(config.data.path, Path)
        path.write_bytes((IRIS_CONFIG.parent / config.data.path).read_bytes() + b"\n")
        data = config.data.model_copy(update={"path": path})

        comparison = compared(two, config=config.model_copy(update={"data": data}))

        for note, name in zip(comparison.notes, ("v1", "v2"), strict=True):
            assert note.startswith(f"flowers.csv is not the table that {name} was trained on")
        assert comparison.scored is not None

    def test_another_split_is_noted(self, two: Registry) -> None:
        split = iris_config().split.model_copy(update={"seed": 3})

        notes = compared(two, config=iris_config().model_copy(update={"split": split})).notes

        assert [note.partition(":")[0] for note in notes] == [
            f"{name} was trained with another split" for name in ("v1", "v2")
        ]

    def test_a_table_that_does_not_fit_leaves_what_was_published(self, tmp_path: Path, two: Registry) -> None:
        (tmp_path / "table.csv").write_text(RISING, encoding="utf-8")

        comparison = compared(two, config=config_of(tmp_path / "table.csv"))

        assert comparison.scored is None
        assert comparison.metrics["accuracy"][0].holdout is not None
        assert any(
            note.startswith("v1 could not score the rows: its contract does not fit this table: ")
            for note in comparison.notes
        )

    def test_a_version_that_was_altered_is_noted(self, two: Registry, s3: "S3Client") -> None:
        s3.put_object(Bucket=BUCKET, Key=f"models/iris/v2/{MODEL_FILE}", Body=b"other")

        comparison = compared(two)

        assert comparison.scored is None
        assert [note.partition(":")[0] for note in comparison.notes] == ["v2 could not score the rows"]
