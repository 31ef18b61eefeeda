"""The registry: what goes live, what is refused, and how one gets back."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Never

import numpy as np
import pytest

from skylift.errors import (
    AwsUnavailable,
    IntegrityError,
    InvalidReference,
    NoActiveVersion,
    PointerMoved,
    PromotionRefused,
    UnservableModel,
    VersionNotFound,
)
from skylift.footprint import Footprint
from skylift.manifest import BASELINE_FILE, MODEL_FILE, Golden
from skylift.metrics import Gate
from skylift.model_card import CARD_FILE
from skylift.pointer import ActivePointer
from skylift.predictors import load_predictor
from skylift.references import NOTHING, Reference
from skylift.registry import Registry
from skylift.sandbox import SandboxedPredictor
from skylift.settings import RegistrySettings
from skylift.store import VersionStore
from tests.conftest import BUCKET, MODEL, STAGE
from tests.support.aws_clients import every_operation
from tests.support.faults import before, denied, fails_with, throttled
from tests.support.models import changed, compiled_iris_package, iris_package, with_model
from tests.support.pickles import exiting, trap
from tests.support.stored import placed, promoted
from training.evaluation.report import EVALUATION_FILE
from training.release.packaging import Package

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient


def _publish(registry: Registry) -> Reference:
    package = iris_package()
    return registry.publish(package.describe, package.artifacts).reference


def _moves(registry: Registry) -> list[str]:
    return [move.after.partition("@")[0] for move in registry.history()]


def _set(ssm: "SSMClient", pointer: ActivePointer, value: str) -> None:
    ssm.put_parameter(Name=pointer.name, Value=value, Type="String", Overwrite=True)


def _overwrite(s3: "S3Client", name: str, data: bytes, *, version: str = "v2") -> None:
    s3.put_object(Bucket=BUCKET, Key=f"models/iris/{version}/{name}", Body=data)


def _swapped_answers() -> Golden:
    golden = iris_package().describe(1).golden
    return Golden(instances=golden.instances, predictions=golden.predictions[::-1])


@pytest.fixture
def live(aws: None) -> Reference:
    """The first version, promoted."""
    return promoted(iris_package())


class TestPublishing:
    def test_a_published_version_does_not_serve_yet(self, registry: Registry) -> None:
        _publish(registry)

        assert registry.active() is None

    def test_a_published_version_is_listed(self, registry: Registry) -> None:
        references = [_publish(registry), _publish(registry)]

        assert [version.reference for version in registry.versions()] == references

    @pytest.mark.parametrize("write", ["1", "v1", "reference"])
    def test_a_version_is_found_by_number_name_and_reference(self, registry: Registry, write: str) -> None:
        reference = _publish(registry)

        assert registry.version(str(reference) if write == "reference" else write).reference == reference


class TestPromoting:
    def test_a_promoted_version_is_the_active_one(self, registry: Registry) -> None:
        reference = placed(iris_package())

        registry.promote("v1")

        assert registry.active() == reference

    def test_the_active_version_resolves_to_its_manifest(self, registry: Registry, live: Reference) -> None:
        assert registry.resolve() == registry.version("v1")

    @pytest.mark.parametrize("write", ["2", "v2", "reference"])
    def test_a_version_is_promoted_by_number_name_or_reference(
        self, registry: Registry, live: Reference, write: str
    ) -> None:
        reference = placed(iris_package())

        promoted = registry.promote(str(reference) if write == "reference" else write)

        assert promoted == registry.active() == reference

    def test_an_older_version_may_be_promoted_again(self, registry: Registry, live: Reference) -> None:
        registry.promote(placed(iris_package()))

        registry.promote("v1")

        assert registry.active() == live

    def test_the_active_version_is_examined_again_and_nothing_is_written(
        self, registry: Registry, live: Reference, s3: "S3Client"
    ) -> None:
        assert registry.promote("v1") == live
        assert _moves(registry) == ["v1"]

        _overwrite(s3, MODEL_FILE, b"altered", version="v1")
        with pytest.raises(PromotionRefused, match="v1 may not serve"):
            registry.promote("v1")

    def test_where_the_memory_is_known_a_version_that_does_not_fit_is_refused_and_the_pointer_stays(
        self, registry: Registry, live: Reference, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("skylift.footprint.measure", lambda _version, _read: Footprint(60, 300, 500))
        monkeypatch.setattr("skylift.footprint._STATUS", Path.cwd())  # wherever the test runs
        second = placed(iris_package())

        with pytest.raises(PromotionRefused, match="v2 does not fit"):
            registry.promote("v2", memory_mib=512)
        assert registry.active() == live

        assert registry.promote("v2", memory_mib=1024) == second

    def test_a_pickle_that_ends_the_interpreter_is_refused_and_no_success(
        self, registry: Registry, live: Reference
    ) -> None:
        placed(with_model(exiting()))

        with pytest.raises(PromotionRefused, match=r"model.joblib of v2 cannot be loaded \(SystemExit\)"):
            registry.promote("v2")

    def test_the_history_tells_every_promotion(self, registry: Registry, live: Reference) -> None:
        second = registry.promote(placed(iris_package()))

        assert [(move.before, move.after) for move in registry.history()] == [
            (NOTHING, str(live)),
            (str(live), str(second)),
        ]

    def test_a_promotion_repairs_a_pointer_that_holds_garbage(
        self, registry: Registry, pointer: ActivePointer, ssm: "SSMClient"
    ) -> None:
        reference = placed(iris_package())
        _set(ssm, pointer, "garbage")

        registry.promote("v1")

        assert registry.active() == reference


@pytest.fixture
def strict(store: VersionStore, pointer: ActivePointer) -> Registry:
    """The registry of a stage that allows no joblib; it loads models in this process."""
    return Registry(store, pointer, load=load_predictor)


class TestWithoutJoblib:
    """`AllowJoblib=false`: what goes live cannot run code."""

    def test_a_version_with_a_compiled_form_goes_live_and_back(self, strict: Registry) -> None:
        first = strict.promote(placed(compiled_iris_package()))
        second = strict.promote(placed(compiled_iris_package("tree")))

        assert strict.rollback() == first != second

    def test_one_without_is_refused_with_the_reason_and_never_loaded(self, strict: Registry, tmp_path: Path) -> None:
        live = promoted(compiled_iris_package())
        sprung = tmp_path / "sprung"
        placed(with_model(trap(sprung)))

        for act in (
            lambda: strict.promote("v2"),
            lambda: strict.promote(strict.version("v2").reference, memory_mib=1024),
            lambda: strict.bake("v2", tmp_path / "baked"),
        ):
            with pytest.raises(PromotionRefused, match=r"v2 has no compiled form, and model\.joblib, .* not allowed"):
                act()

        assert strict.active() == live
        assert not sprung.exists()
        assert not (tmp_path / "baked").exists()

    def test_nor_is_one_returned_to(self, strict: Registry, registry: Registry) -> None:
        promoted(iris_package())
        live = promoted(compiled_iris_package())

        with pytest.raises(PromotionRefused, match="v1 has no compiled form"):
            strict.rollback()

        assert strict.active() == live


class TestRefusing:
    @pytest.mark.parametrize(
        ("package", "reason"),
        [
            (
                lambda: changed(iris_package(), gates=(Gate(metric="accuracy", min=0.99, value=0.5, passed=False),)),
                r"v2 failed its gate: accuracy 0\.5000 \(>= 0\.99\)",
            ),
            (
                lambda: changed(iris_package(), environment={"scikit-learn": "0.24.2"}),
                r"v2 may not serve: v2 was trained by scikit-learn 0\.24\.2",
            ),
            (
                lambda: changed(iris_package(), environment={}),
                "v2 may not serve: v2 was trained by scikit-learn None",
            ),
            (lambda: changed(iris_package(), golden=_swapped_answers()), "v2 may not serve: golden request 1 of"),
            (lambda: changed(iris_package(), artifacts={}), r"v2 may not serve: v2 has no model\.joblib"),
            (lambda: with_model(b"no pickle"), r"v2 may not serve: model\.joblib of v2 cannot be loaded"),
        ],
        ids=[
            "failed gate",
            "another scikit-learn",
            "unknown scikit-learn",
            "golden requests scored differently",
            "no model listed",
            "no pickle",
        ],
    )
    def test_a_version_that_may_not_serve_is_refused_with_the_reason_and_the_pointer_stays(
        self, registry: Registry, live: Reference, package: Callable[[], Package], reason: str
    ) -> None:
        placed(package())

        with pytest.raises(PromotionRefused, match=reason) as caught:
            registry.promote("v2")

        assert caught.value.hint
        assert _moves(registry) == ["v1"]

    def test_every_failed_gate_is_told_and_no_other(self, registry: Registry) -> None:
        gates = (
            Gate(metric="accuracy", min=0.99, value=0.5, passed=False),
            Gate(metric="f1_macro", min=0.9, value=0.95, passed=True),
            Gate(metric="log_loss", max=0.1, value=0.7, passed=False),
        )
        placed(changed(iris_package(), gates=gates))

        with pytest.raises(PromotionRefused, match=r"accuracy .* log_loss") as caught:
            registry.promote("v1")

        assert "f1_macro" not in caught.value.message

    @pytest.mark.parametrize("name", [MODEL_FILE, BASELINE_FILE])
    def test_a_version_with_an_altered_file_is_refused_and_the_pointer_stays(
        self, registry: Registry, live: Reference, s3: "S3Client", name: str
    ) -> None:
        placed(iris_package())
        _overwrite(s3, name, b"altered")

        with pytest.raises(PromotionRefused, match=f"v2 may not serve: {name} of v2 does not have the digest"):
            registry.promote("v2")

        assert _moves(registry) == ["v1"]

    @pytest.mark.parametrize("name", [MODEL_FILE, BASELINE_FILE])
    def test_a_version_with_a_missing_file_is_refused_and_the_pointer_stays(
        self, registry: Registry, live: Reference, s3: "S3Client", name: str
    ) -> None:
        placed(iris_package())
        every_operation().delete_object(Bucket=BUCKET, Key=f"models/iris/v2/{name}")

        with pytest.raises(PromotionRefused, match=f"{name} of v2 is missing"):
            registry.promote("v2")

        assert _moves(registry) == ["v1"]

    def test_a_model_that_was_replaced_is_refused_before_it_is_opened(
        self, registry: Registry, live: Reference, s3: "S3Client", tmp_path: Path
    ) -> None:
        sprung = tmp_path / "sprung"
        placed(iris_package())
        _overwrite(s3, MODEL_FILE, trap(sprung))

        with pytest.raises(PromotionRefused):
            registry.promote("v2")

        assert not sprung.exists()

    def test_a_model_of_its_publisher_is_never_opened_in_the_process_that_promotes(
        self, store: VersionStore, pointer: ActivePointer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def ask(predictor: SandboxedPredictor, rows: object) -> Never:
            raise UnservableModel("v2 was opened by a process of its own", "see tests/unit/layers/test_sandbox.py")

        sprung = tmp_path / "sprung"
        registry = Registry(store, pointer, allow_joblib=True)
        promoted(compiled_iris_package())
        placed(with_model(trap(sprung)))
        monkeypatch.setattr(SandboxedPredictor, "_ask", ask)

        for act in (
            lambda: registry.promote("v2"),
            lambda: registry.bake("v2", tmp_path / "baked"),
            lambda: registry.predictor(registry.version("v2")).scores(np.zeros((1, 4))),
        ):
            with pytest.raises((PromotionRefused, UnservableModel), match="by a process of its own"):
                act()

        assert not sprung.exists()
        assert _moves(registry) == ["v1"]

    def test_a_version_that_failed_its_gate_is_refused_before_it_is_opened(
        self, registry: Registry, tmp_path: Path
    ) -> None:
        sprung = tmp_path / "sprung"
        failed = (Gate(metric="accuracy", min=0.99, value=0.5, passed=False),)
        placed(changed(with_model(trap(sprung)), gates=failed))

        with pytest.raises(PromotionRefused, match="gate"):
            registry.promote("v1")

        assert not sprung.exists()

    @pytest.mark.parametrize(
        ("text", "error"),
        [
            ("v9", VersionNotFound),
            (f"v9@sha256:{'0' * 64}", VersionNotFound),
            (f"v1@sha256:{'0' * 64}", IntegrityError),
            ("v1@sha256:0", InvalidReference),
            ("latest", InvalidReference),
            ("", InvalidReference),
        ],
    )
    def test_what_names_no_stored_version_is_refused_and_the_pointer_stays(
        self, registry: Registry, live: Reference, text: str, error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            registry.promote(text)

        assert _moves(registry) == ["v1"]

    def test_an_altered_manifest_is_refused_by_reference_and_the_pointer_stays(
        self, registry: Registry, live: Reference, s3: "S3Client"
    ) -> None:
        reference = placed(iris_package())
        _overwrite(s3, "manifest.json", iris_package("tree").describe(2).to_bytes())

        with pytest.raises(IntegrityError):
            registry.promote(reference)

        assert _moves(registry) == ["v1"]

    def test_where_s3_fails_in_the_examination_the_pointer_stays(
        self, registry: Registry, live: Reference, s3: "S3Client"
    ) -> None:
        placed(iris_package())
        before(s3, "GetObject", fails_with(throttled("SlowDown")), only=2)

        with pytest.raises(AwsUnavailable):
            registry.promote("v2")

        assert _moves(registry) == ["v1"]

    def test_where_the_pointer_may_not_be_moved_it_stays(
        self, registry: Registry, live: Reference, ssm: "SSMClient"
    ) -> None:
        placed(iris_package())
        before(ssm, "PutParameter", fails_with(denied("AccessDeniedException")))

        with pytest.raises(AwsUnavailable, match="moving the pointer"):
            registry.promote("v2")

        assert registry.active() == live


class TestPromotingAtOnce:
    """Somebody else moves the pointer while a promotion runs: SSM itself takes whatever comes last."""

    @pytest.fixture
    def rivals(self, registry: Registry, live: Reference) -> tuple[Reference, Reference]:
        """v2, which this promotion is for, and v3, which another one is for."""
        return placed(iris_package()), placed(iris_package())

    @pytest.mark.parametrize("act", [lambda registry: registry.promote("v2"), Registry.rollback])
    def test_a_move_during_the_examination_is_not_overwritten(
        self,
        registry: Registry,
        rivals: tuple[Reference, Reference],
        pointer: ActivePointer,
        s3: "S3Client",
        act: Callable[[Registry], object],
    ) -> None:
        registry.promote("v3")
        registry.promote("v2")
        registry.promote("v3")
        again = placed(iris_package())
        before(s3, "GetObject", lambda _: pointer.move(again), only=1)

        with pytest.raises(PointerMoved, match="moved meanwhile, from v3 to v4: nothing was written") as caught:
            act(registry)

        assert "skylift history" in caught.value.hint
        assert registry.active() == again

    def test_a_move_right_before_the_write_is_told_with_who_made_it(
        self, registry: Registry, rivals: tuple[Reference, Reference], pointer: ActivePointer, ssm: "SSMClient"
    ) -> None:
        mine, theirs = rivals
        before(ssm, "PutParameter", lambda _: _set(ssm, pointer, str(theirs)), only=1)

        with pytest.raises(PointerMoved, match=r"v2 is active, and replaced v3, which \S+ made active"):
            registry.promote(mine)

        assert _moves(registry) == ["v1", "v3", "v2"]

    def test_a_write_that_was_tried_twice_replaced_nobody(
        self, registry: Registry, rivals: tuple[Reference, Reference], pointer: ActivePointer, ssm: "SSMClient"
    ) -> None:
        mine, _ = rivals
        before(ssm, "PutParameter", lambda _: _set(ssm, pointer, str(mine)), only=1)

        assert registry.promote(mine) == mine

    def test_where_the_history_cannot_be_read_afterwards_it_is_told_that_the_pointer_moved(
        self, registry: Registry, rivals: tuple[Reference, Reference], ssm: "SSMClient"
    ) -> None:
        before(ssm, "GetParameterHistory", fails_with(throttled()))

        with pytest.raises(AwsUnavailable, match="names v2 now, but reading what that replaced failed"):
            registry.promote("v2")


class TestResolving:
    def test_before_the_first_promotion_nothing_is_active(self, registry: Registry) -> None:
        placed(iris_package())

        with pytest.raises(NoActiveVersion) as caught:
            registry.resolve()

        assert "skylift promote" in caught.value.hint

    def test_a_pointer_set_to_none_names_nothing(
        self, registry: Registry, live: Reference, pointer: ActivePointer, ssm: "SSMClient"
    ) -> None:
        _set(ssm, pointer, NOTHING)

        with pytest.raises(NoActiveVersion):
            registry.resolve()

    @pytest.mark.parametrize(
        ("value", "error"),
        [
            ("v1", InvalidReference),
            (f"v1@sha256:{'0' * 64}", IntegrityError),
            (f"v9@sha256:{'0' * 64}", VersionNotFound),
        ],
    )
    def test_a_pointer_moved_by_hand_to_what_is_not_stored_does_not_resolve(
        self,
        registry: Registry,
        live: Reference,
        pointer: ActivePointer,
        ssm: "SSMClient",
        value: str,
        error: type[Exception],
    ) -> None:
        _set(ssm, pointer, value)

        with pytest.raises(error):
            registry.resolve()


class TestRollingBack:
    def _promote(self, registry: Registry, count: int) -> list[Reference]:
        return [promoted(iris_package()) for _ in range(count)]

    def test_rollback_returns_to_the_version_before(self, registry: Registry) -> None:
        self._promote(registry, 3)

        assert registry.rollback().name == "v2"
        assert _moves(registry) == ["v1", "v2", "v3", "v2"]

    def test_each_rollback_goes_one_step_further_until_the_first_version(self, registry: Registry) -> None:
        self._promote(registry, 3)

        assert [registry.rollback().name for _ in range(2)] == ["v2", "v1"]
        with pytest.raises(PromotionRefused, match="no earlier version"):
            registry.rollback()
        assert _moves(registry) == ["v1", "v2", "v3", "v2", "v1"]

    def test_what_was_rolled_back_from_is_skipped_by_later_rollbacks(self, registry: Registry) -> None:
        self._promote(registry, 3)
        registry.rollback()
        self._promote(registry, 1)

        assert [registry.rollback().name for _ in range(2)] == ["v2", "v1"]

    def test_after_a_promotion_of_an_earlier_version_rollback_undoes_it(self, registry: Registry) -> None:
        self._promote(registry, 3)
        registry.promote("v1")

        assert [registry.rollback().name for _ in range(2)] == ["v3", "v2"]
        assert [move.kind for move in registry.history()] == ["promotion"] * 4 + ["rollback"] * 2

    def test_a_promotion_that_was_undone_is_not_returned_to_further_back_either(self, registry: Registry) -> None:
        self._promote(registry, 3)
        registry.promote("v2")
        assert registry.rollback().name == "v3"

        assert registry.rollback().name == "v1"

    def test_what_a_rollback_left_is_not_returned_to_after_the_next_promotion(self, registry: Registry) -> None:
        self._promote(registry, 2)
        registry.rollback()
        self._promote(registry, 1)

        assert registry.rollback().name == "v1"

    def test_what_a_rollback_left_and_an_operator_promoted_again_is_returned_to(self, registry: Registry) -> None:
        self._promote(registry, 2)
        registry.rollback()
        registry.promote("v2")
        self._promote(registry, 1)

        assert registry.rollback().name == "v2"

    def test_a_version_that_was_left_and_promoted_again_may_be_rolled_back_from_again(self, registry: Registry) -> None:
        self._promote(registry, 3)
        registry.rollback()
        registry.promote("v3")

        assert registry.rollback().name == "v2"

    def test_a_version_that_is_promoted_every_night_does_not_push_the_way_back_out_of_the_history(
        self, registry: Registry
    ) -> None:
        first, second = self._promote(registry, 2)
        for _ in range(3):
            assert registry.promote(second) == second

        assert _moves(registry) == ["v1", "v2"]
        assert registry.rollback() == first

    def test_rollback_never_goes_to_a_version_that_was_published_but_never_active(self, registry: Registry) -> None:
        first = promoted(iris_package())
        placed(iris_package())
        promoted(iris_package())

        assert registry.rollback() == first

    @pytest.mark.parametrize("value", [NOTHING, "garbage", "v1"])
    def test_rollback_skips_what_is_not_a_reference(
        self, registry: Registry, pointer: ActivePointer, ssm: "SSMClient", value: str
    ) -> None:
        first = promoted(iris_package())
        _set(ssm, pointer, value)
        promoted(iris_package())

        assert registry.rollback() == first

    @pytest.mark.parametrize("value", [NOTHING, "garbage"])
    def test_rollback_from_what_is_not_a_reference_returns_to_the_last_version(
        self, registry: Registry, live: Reference, pointer: ActivePointer, ssm: "SSMClient", value: str
    ) -> None:
        _set(ssm, pointer, value)

        assert registry.rollback() == live

    def test_before_the_first_promotion_there_is_nothing_to_roll_back_to(self, registry: Registry) -> None:
        with pytest.raises(PromotionRefused, match="no earlier version") as caught:
            registry.rollback()

        assert caught.value.hint == "see `skylift history`"
        assert registry.active() is None

    def test_after_the_first_promotion_there_is_nothing_to_roll_back_to(
        self, registry: Registry, pointer: ActivePointer, ssm: "SSMClient"
    ) -> None:
        _set(ssm, pointer, NOTHING)
        only = promoted(iris_package())

        with pytest.raises(PromotionRefused, match="no earlier version"):
            registry.rollback()

        assert registry.active() == only

    def test_a_version_that_may_not_serve_any_more_is_not_a_target_and_the_pointer_stays(
        self, registry: Registry, s3: "S3Client"
    ) -> None:
        self._promote(registry, 2)
        _overwrite(s3, MODEL_FILE, b"altered", version="v1")

        with pytest.raises(PromotionRefused, match="v1 may not serve"):
            registry.rollback()

        assert _moves(registry) == ["v1", "v2"]

    def test_a_version_that_is_gone_is_not_a_target_and_the_pointer_stays(
        self, registry: Registry, s3: "S3Client"
    ) -> None:
        self._promote(registry, 2)
        every_operation().delete_object(Bucket=BUCKET, Key="models/iris/v1/manifest.json")

        with pytest.raises(VersionNotFound):
            registry.rollback()

        assert _moves(registry) == ["v1", "v2"]

    def test_a_target_whose_manifest_was_altered_is_refused_and_the_pointer_stays(
        self, registry: Registry, s3: "S3Client"
    ) -> None:
        self._promote(registry, 2)
        _overwrite(s3, "manifest.json", iris_package("tree").describe(1).to_bytes(), version="v1")

        with pytest.raises(IntegrityError):
            registry.rollback()

        assert _moves(registry) == ["v1", "v2"]


class TestGoingBack:
    """What an alarm leads to: the checks of a rollback, without loading."""

    @pytest.fixture
    def back(self, registry: Registry) -> tuple[Reference, str]:
        """v1, and the value of the pointer, which names v2."""
        first = promoted(iris_package())
        return first, str(promoted(iris_package()))

    def test_the_version_is_active_again_and_was_not_loaded(
        self, store: VersionStore, pointer: ActivePointer, back: tuple[Reference, str]
    ) -> None:
        def load(*_: object) -> Never:
            raise AssertionError("it was loaded")

        first, seen = back
        Registry(store, pointer, load=load, allow_joblib=True).go_back(first, seen=seen, tool="auto-rollback")

        last = pointer.history()[-1]
        assert (pointer.read(), last.kind, last.tool) == (first, "rollback", "auto-rollback")

    @pytest.mark.parametrize("name", [BASELINE_FILE, CARD_FILE, EVALUATION_FILE, MODEL_FILE])
    def test_one_with_an_altered_file_is_refused_and_the_pointer_stays(
        self, registry: Registry, s3: "S3Client", back: tuple[Reference, str], name: str
    ) -> None:
        first, seen = back
        _overwrite(s3, name, b"altered", version="v1")

        with pytest.raises(PromotionRefused, match=f"v1 may not serve: {name} of v1 does not have the digest"):
            registry.go_back(first, seen=seen, tool="auto-rollback")

        assert _moves(registry) == ["v1", "v2"]

    def test_one_that_failed_a_gate_is_refused(self, registry: Registry, back: tuple[Reference, str]) -> None:
        gate = Gate(metric="accuracy", min=0.99, value=0.5, passed=False)
        failed = placed(changed(iris_package(), gates=(gate,)))

        with pytest.raises(PromotionRefused, match="v3 failed its gate"):
            registry.go_back(failed, seen=back[1], tool="auto-rollback")

    def test_a_pointer_that_moved_meanwhile_stays(self, registry: Registry, back: tuple[Reference, str]) -> None:
        first, seen = back
        third = promoted(iris_package())

        with pytest.raises(PointerMoved, match="from v2 to v3: nothing was written"):
            registry.go_back(first, seen=seen, tool="auto-rollback")

        assert registry.active() == third


def test_a_registry_opens_from_settings_with_clients_of_its_own(registry: Registry) -> None:
    reference = placed(iris_package())

    again = Registry.open(RegistrySettings(bucket=BUCKET, stage=STAGE, model=MODEL))

    assert [version.reference for version in again.versions()] == [reference]
