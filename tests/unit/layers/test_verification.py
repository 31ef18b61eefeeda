"""Verification: bytes are what their digests say, or they are refused."""

import json

import pytest

from skylift.errors import IntegrityError
from skylift.manifest import MODEL_FILE, reference_to
from skylift.references import Reference, sha256
from skylift.verification import artifact_entry, check_artifact, read_version
from tests.support.manifests import manifest

MODEL = b"a model"
MANIFEST = manifest(3, artifacts={MODEL_FILE: MODEL})
BODY = MANIFEST.to_bytes()
REFERENCE = reference_to(3, BODY)


class TestManifest:
    def test_bytes_that_their_reference_names_are_a_version(self) -> None:
        version = read_version(REFERENCE, BODY, model="iris")

        assert (version.reference, version.manifest, version.body) == (REFERENCE, MANIFEST, BODY)

    @pytest.mark.parametrize("body", [b"", BODY[:-1], BODY + b" ", BODY.replace(b"iris", b"Iris")])
    def test_other_bytes_are_refused(self, body: bytes) -> None:
        with pytest.raises(IntegrityError, match="the manifest of v3 does not have the digest") as caught:
            read_version(REFERENCE, body, model="iris")

        assert caught.value.hint

    def test_a_manifest_that_means_the_same_in_other_bytes_is_refused(self) -> None:
        body = json.dumps(json.loads(BODY)).encode()

        with pytest.raises(IntegrityError, match="does not have the digest"):
            read_version(REFERENCE, body, model="iris")

    @pytest.mark.parametrize("body", [b"", b"{}", b"no JSON", BODY[:-10]])
    def test_what_is_not_a_manifest_is_refused_though_the_reference_names_it(self, body: bytes) -> None:
        with pytest.raises(IntegrityError, match="the manifest of v3 cannot be read"):
            read_version(Reference(3, sha256(body)), body, model="iris")

    def test_the_manifest_of_another_model_is_refused(self) -> None:
        with pytest.raises(IntegrityError, match="the manifest of wine v3 says it is iris v3"):
            read_version(REFERENCE, BODY, model="wine")

    def test_the_manifest_of_another_number_is_refused(self) -> None:
        with pytest.raises(IntegrityError, match="the manifest of iris v4 says it is iris v3"):
            read_version(Reference(4, REFERENCE.digest), BODY, model="iris")


class TestFiles:
    def test_bytes_that_the_manifest_names_are_given_back(self) -> None:
        assert check_artifact(MANIFEST, MODEL_FILE, MODEL) is MODEL

    @pytest.mark.parametrize("data", [b"", MODEL[:-1], MODEL + b"\n", b"A model"])
    def test_other_bytes_are_refused(self, data: bytes) -> None:
        with pytest.raises(IntegrityError, match=r"model\.joblib of v3 does not have the digest") as caught:
            check_artifact(MANIFEST, MODEL_FILE, data)

        assert caught.value.hint

    def test_bytes_of_another_length_than_the_manifest_says_are_refused(self) -> None:
        artifact = MANIFEST.artifacts[MODEL_FILE].model_copy(update={"bytes": len(MODEL) + 1})
        lying = MANIFEST.model_copy(update={"artifacts": {MODEL_FILE: artifact}})

        with pytest.raises(IntegrityError):
            check_artifact(lying, MODEL_FILE, MODEL)

    def test_a_file_that_the_manifest_does_not_list_is_refused(self) -> None:
        with pytest.raises(IntegrityError, match=r"v3 has no \.\./secret"):
            check_artifact(MANIFEST, "../secret", b"")

    def test_a_listed_file_is_described(self) -> None:
        assert artifact_entry(MANIFEST, MODEL_FILE).bytes == len(MODEL)
