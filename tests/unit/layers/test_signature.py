"""Signatures: who writes the bucket without the key puts nothing live."""

import json
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from skylift.aws import kms_client
from skylift.bucket import Bucket
from skylift.errors import AwsUnavailable, ConfigError, PromotionRefused
from skylift.experiment.parameter import ChallengerParameter
from skylift.experiment.store import ExperimentStore
from skylift.experiment.trials import Trials
from skylift.pointer import ActivePointer
from skylift.predictors import load_predictor
from skylift.references import Reference
from skylift.registry import Registry
from skylift.settings import RegistrySettings
from skylift.signature import SIGNATURE_FILE, Signatures
from skylift.store import VersionStore
from tests.conftest import BUCKET, MODEL, STAGE
from tests.support.aws_clients import REGION
from tests.support.faults import before, denied, fails_with, refusal, timeout
from tests.support.models import iris_package
from tests.support.stored import overwrite, read_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

UNUSABLE = ["DisabledException", "KMSInvalidStateException", "NotFoundException", "InvalidKeyUsageException"]


@cache
def kms() -> Any:
    """The product's client, one for all tests."""
    return kms_client(REGION)


def kms_of(region: str) -> Any:
    assert region == REGION
    return kms()


def make_key() -> str:
    client: Any = boto3.client("kms", region_name=REGION)
    answer = client.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    return str(answer["KeyMetadata"]["Arn"])


@pytest.fixture
def key(aws: None) -> str:
    """ARN of a key that signs."""
    return make_key()


@pytest.fixture
def registry_with(store: VersionStore, pointer: ActivePointer) -> Callable[..., Registry]:
    """Makes registries of iris: with a key that signs, without, with a signature required."""

    def make(key: str = "", *trusted: str, required: bool = True) -> Registry:
        signatures = Signatures(key, trusted, required=required, client=kms_of)
        return Registry(store, pointer, load=load_predictor, allow_joblib=True, signatures=signatures)

    return make


def publish(registry: Registry) -> Reference:
    package = iris_package()
    return registry.publish(package.describe, package.artifacts).reference


class TestPublishing:
    def test_the_signature_is_of_the_reference_and_lies_beside_the_manifest(
        self, registry_with: Callable[..., Registry], key: str, s3: "S3Client"
    ) -> None:
        reference = publish(registry_with(key))

        document = json.loads(read_object(s3, SIGNATURE_FILE))
        assert (document["reference"], document["key"]) == (str(reference), key)
        assert SIGNATURE_FILE not in registry_with().version(reference).manifest.artifacts

    def test_without_a_key_nothing_is_signed(self, registry_with: Callable[..., Registry], store: VersionStore) -> None:
        publish(registry_with())

        assert store.signature(1) is None

    @pytest.mark.parametrize("code", UNUSABLE)
    def test_a_key_that_cannot_sign_publishes_nothing(
        self, registry_with: Callable[..., Registry], key: str, code: str
    ) -> None:
        before(kms(), "Sign", fails_with(refusal(code, 400)))

        with pytest.raises(ConfigError, match=rf"the key {key} cannot sign \({code}\): enable it"):
            publish(registry_with(key))

        assert registry_with().versions() == []

    @pytest.mark.parametrize("error", [denied("AccessDeniedException"), timeout()], ids=["denied", "timeout"])
    def test_a_kms_that_refuses_or_is_silent_publishes_nothing(
        self, registry_with: Callable[..., Registry], key: str, error: Exception
    ) -> None:
        before(kms(), "Sign", fails_with(error))

        with pytest.raises(AwsUnavailable, match="signing v1 failed"):
            publish(registry_with(key))

        assert registry_with().versions() == []


class TestWhereItIsRequired:
    def test_a_signed_version_goes_live_and_back(self, registry_with: Callable[..., Registry], key: str) -> None:
        registry = registry_with(key)
        first = registry.promote(publish(registry))
        registry.promote(publish(registry))

        assert registry.rollback() == first

    def test_a_writer_of_the_bucket_without_the_key_puts_nothing_live(
        self, registry_with: Callable[..., Registry], key: str, s3: "S3Client"
    ) -> None:
        registry = registry_with(key)
        live = registry.promote(publish(registry))
        foreign = publish(registry_with())
        own = make_key()
        forged = {
            "nothing": None,
            "the signature of another version": read_object(s3, SIGNATURE_FILE),
            "that with the reference exchanged": json.dumps(
                json.loads(read_object(s3, SIGNATURE_FILE)) | {"reference": str(foreign)}
            ).encode(),
            "one by a key of its own": Signatures(own, client=kms_of).sign(foreign),
            "that with the name of the right key": json.dumps(
                json.loads(Signatures(own, client=kms_of).sign(foreign) or b"") | {"key": key}
            ).encode(),
            "no document": b"[]",
            "no base64": json.dumps({"reference": str(foreign), "key": key, "signature": "?"}).encode(),
            "an empty one": json.dumps({"reference": str(foreign), "key": key, "signature": ""}).encode(),
            "a long one": b" " * 10_000 + read_object(s3, SIGNATURE_FILE),
        }

        for what, data in forged.items():
            if data is not None:
                overwrite(s3, SIGNATURE_FILE, data, version="v2")
            for version in ("v2", foreign):
                with pytest.raises(PromotionRefused, match="sign"):
                    registry.promote(version)
            assert registry.active() == live, what

    def test_a_version_that_lost_its_signature_is_not_returned_to(
        self, registry_with: Callable[..., Registry], key: str
    ) -> None:
        relaxed = registry_with(required=False)
        relaxed.promote(publish(relaxed))
        registry = registry_with(key)
        live = registry.promote(publish(registry))

        with pytest.raises(PromotionRefused, match="v1 is not signed, and a signature is required here"):
            registry.rollback()

        assert registry.active() == live

    def test_an_earlier_key_counts_while_it_is_named(self, registry_with: Callable[..., Registry], key: str) -> None:
        publish(registry_with(key))
        second = make_key()

        with pytest.raises(PromotionRefused, match="does not count here: if it should, add it to TrustedKeyArns"):
            registry_with(second).promote("v1")

        assert registry_with(second, key).promote("v1").number == 1

    @pytest.mark.parametrize("code", UNUSABLE)
    def test_a_key_that_was_disabled_or_deleted_counts_no_more(
        self, registry_with: Callable[..., Registry], key: str, code: str
    ) -> None:
        registry = registry_with(key)
        publish(registry)

        before(kms(), "Verify", fails_with(refusal(code, 400)))

        with pytest.raises(PromotionRefused, match=rf"the key that signed v1 cannot verify \({code}\)"):
            registry.promote("v1")

    def test_a_wrong_signature_is_refused_in_the_words_of_kms_too(
        self, registry_with: Callable[..., Registry], key: str
    ) -> None:
        registry = registry_with(key)
        publish(registry)

        before(kms(), "Verify", fails_with(refusal("KMSInvalidSignatureException", 400)))

        with pytest.raises(PromotionRefused, match="the signature of v1 is not that of its key"):
            registry.promote("v1")

    @pytest.mark.parametrize("error", [denied("AccessDeniedException"), timeout()], ids=["denied", "timeout"])
    def test_a_kms_that_refuses_or_is_silent_puts_nothing_live(
        self, registry_with: Callable[..., Registry], key: str, error: ClientError
    ) -> None:
        registry = registry_with(key)
        publish(registry)

        before(kms(), "Verify", fails_with(error))

        with pytest.raises(AwsUnavailable, match="verifying the signature of v1 failed"):
            registry.promote("v1")

        assert registry.active() is None


def trials_of(registry: Registry, s3: "S3Client", ssm: "SSMClient") -> Trials:
    store = ExperimentStore(Bucket(BUCKET, client=s3), MODEL)
    return Trials(registry, ChallengerParameter(STAGE, MODEL, client=ssm), store, tool="a test")


class TestEveryWayToTraffic:
    """Promotion, return, going back by itself, a trial and its end: each verifies."""

    @pytest.mark.parametrize("way", ["promotion", "going back", "trial"])
    def test_what_is_not_signed_gets_none(
        self, registry_with: Callable[..., Registry], key: str, s3: "S3Client", ssm: "SSMClient", way: str
    ) -> None:
        registry = registry_with(key)
        live = registry.promote(publish(registry))
        unsigned = publish(registry_with())
        ways: dict[str, Callable[[], object]] = {
            "promotion": lambda: registry.promote(unsigned),
            "going back": lambda: registry.go_back(unsigned, seen=str(live), tool="auto-rollback"),
            "trial": lambda: trials_of(registry, s3, ssm).begin(unsigned, mode="shadow", percent=1, by="ann"),
        }

        with pytest.raises(PromotionRefused, match="v2 is not signed, and a signature is required here"):
            ways[way]()

        assert registry.active() == live
        assert ChallengerParameter(STAGE, MODEL, client=ssm).read() is None

    @pytest.mark.parametrize("way", ["going back", "the end of a trial"])
    def test_a_key_that_was_disabled_meanwhile_stops_it(
        self, registry_with: Callable[..., Registry], key: str, s3: "S3Client", ssm: "SSMClient", way: str
    ) -> None:
        registry = registry_with(key)
        first, second = registry.promote(publish(registry)), registry.promote(publish(registry))
        trials = trials_of(registry, s3, ssm)
        trial = trials.begin(publish(registry), mode="canary", percent=50, by="ann")
        before(kms(), "Verify", fails_with(refusal("DisabledException", 400)))
        ways: dict[str, Callable[[], object]] = {
            "going back": lambda: registry.go_back(first, seen=str(second), tool="auto-rollback"),
            "the end of a trial": lambda: trials.promote(trial.id),
        }

        with pytest.raises(PromotionRefused, match="cannot verify"):
            ways[way]()

        assert registry.active() == second

    def test_a_second_key_counts_for_going_back_too(
        self, registry_with: Callable[..., Registry], key: str, store: VersionStore
    ) -> None:
        first = registry_with(key).promote(publish(registry_with(key)))
        other = make_key()
        registry = registry_with(other, key)
        second = registry.promote(publish(registry))

        registry.go_back(first, seen=str(second), tool="auto-rollback")

        assert registry.active() == first


def test_where_it_is_not_required_versions_without_one_go_live(registry_with: Callable[..., Registry]) -> None:
    registry = registry_with(required=False)

    assert registry.promote(publish(registry)).number == 1


def test_a_registry_signs_and_requires_what_its_settings_say(key: str, s3: "S3Client") -> None:
    settings = {"bucket": BUCKET, "model": MODEL, "stage": "prod", "allow_joblib": True, "require_signature": True}
    signing = Registry.open(RegistrySettings.model_validate(settings | {"signing_key": key}), load=load_predictor)
    reference = publish(signing)

    assert signing.promote(reference) == reference
    trusting = Registry.open(RegistrySettings.model_validate(settings | {"trusted_keys": key}), load=load_predictor)
    assert trusting.promote(reference) == reference
    with pytest.raises(PromotionRefused, match="does not count here"):
        Registry.open(RegistrySettings.model_validate(settings), load=load_predictor).promote(reference)


@pytest.mark.parametrize("value", ["alias/signing", "arn:aws:kms:eu-central-1:123456789012:alias/signing", "1234"])
def test_a_key_is_named_by_its_arn_since_an_alias_can_be_moved(value: str) -> None:
    for setting in ("signing_key", "trusted_keys"):
        with pytest.raises(ValueError, match=setting):
            RegistrySettings.model_validate({"bucket": BUCKET, "model": MODEL, setting: value})


@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("end", ["", ","])
def test_further_keys_are_written_as_the_stack_takes_them(count: int, end: str) -> None:
    """The stack's parameter may end in a comma, and so may the environment of its functions."""
    text = ",".join([f"arn:aws:kms:eu-central-1:123456789012:key/{number}" for number in range(count)])
    value = text + end if text else ""
    settings = {"bucket": BUCKET, "model": MODEL, "trusted_keys": value}

    assert RegistrySettings.model_validate(settings).trusted_keys == value
