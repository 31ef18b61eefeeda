"""The embedded AWS signs: what it signed counts after the next start, and a changed reference does not."""

import os
from pathlib import Path

import pytest
from moto import mock_aws

from skylift.errors import PromotionRefused
from skylift.references import Reference
from skylift.settings import RegistrySettings
from skylift.signature import Signatures
from training.cli.aws_state import StateDamaged
from training.cli.embedded_aws import embedded_aws

FIRST = Reference(1, "a" * 64)

pytestmark = pytest.mark.usefixtures("own_environment")


def signatures() -> Signatures:
    """What signs and checks in the environment of the embedded AWS, where a signature is required."""
    settings = RegistrySettings(require_signature=True)
    return Signatures.of(settings)


def test_a_signature_counts_after_the_next_start_as_well(tmp_path: Path) -> None:
    with embedded_aws("wine", tmp_path / "aws") as environment:
        signed = signatures().sign(FIRST)
        key = environment["SKYLIFT_SIGNING_KEY"]
    with mock_aws():  # another process holds nothing
        pass
    with embedded_aws("wine", tmp_path / "aws") as environment:
        assert environment["SKYLIFT_SIGNING_KEY"] == key
        signatures().check(FIRST, signed)


def test_a_signature_of_another_folder_or_reference_does_not_count(tmp_path: Path) -> None:
    with embedded_aws("wine", tmp_path / "aws"):
        signed = signatures().sign(FIRST)
        assert signed is not None
        other = signed.replace(b"a" * 64, b"b" * 64)
        with pytest.raises(PromotionRefused, match="is not that of its key"):
            signatures().check(Reference(1, "b" * 64), other)
    with embedded_aws("wine", tmp_path / "other"), pytest.raises(PromotionRefused, match="does not count"):
        signatures().check(FIRST, signed)


def test_without_a_folder_it_signs_until_its_end() -> None:
    with embedded_aws("wine"):
        signatures().check(FIRST, signatures().sign(FIRST))


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
def test_the_key_is_its_owners(tmp_path: Path) -> None:
    with embedded_aws("wine", tmp_path / "aws"):
        assert (tmp_path / "aws" / "signing-key.pem").stat().st_mode & 0o077 == 0


OTHER_KIND = (
    b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n"
    b"-----END PRIVATE KEY-----\n"
)
"""A key that is of another kind: Ed25519."""


@pytest.mark.parametrize("content", [b"", b"-----BEGIN", OTHER_KIND])
def test_a_damaged_key_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "aws" / "signing-key.pem"
    path.parent.mkdir()
    path.write_bytes(content)

    with pytest.raises(StateDamaged, match=r"signing-key\.pem"), embedded_aws("wine", tmp_path / "aws"):
        pass

    assert path.read_bytes() == content
