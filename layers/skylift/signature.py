"""Signatures of references, by KMS: who can write the bucket, but not sign, puts nothing live.

What is signed is the text of a reference, which pins the manifest and by it every file. The signature is kept beside
the manifest, which cannot list it: it names the manifest's digest. KMS verifies as well, by ARN: neither a public key
nor an alias that somebody could swap is believed, and a key that was disabled counts no more.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError
from pydantic import ValidationError

from skylift.aws import aws_errors, error_code, kms_client
from skylift.documents import Document, first_fault
from skylift.errors import ConfigError, PromotionRefused
from skylift.references import Reference

if TYPE_CHECKING:
    from skylift.settings import RegistrySettings

SIGNATURE_FILE = "signature.json"
MAX_SIGNATURE_BYTES = 4096

_ALGORITHM: Literal["ECDSA_SHA_256"] = "ECDSA_SHA_256"
_UNUSABLE = {"DisabledException", "InvalidKeyUsageException", "KMSInvalidStateException", "NotFoundException"}
_WRONG = "KMSInvalidSignatureException"


class Signature(Document):
    """The contents of `signature.json`.

    Parameters
    ----------
    reference
        Text that was signed.
    key
        ARN of the KMS key.
    algorithm
        Algorithm in KMS's words: ECDSA on P-256 with SHA-256.
    signature
        Signature as KMS gave it (DER), in base64.
    """

    schema_version: Literal[1] = 1
    reference: str
    key: str
    algorithm: Literal["ECDSA_SHA_256"] = _ALGORITHM
    signature: str


class Signatures:
    """Signs references, and checks their signatures.

    Parameters
    ----------
    key
        ARN of the key that signs; empty to sign nothing.
    trusted
        ARNs of further keys whose signatures count: earlier ones, or those of another account.
    required
        Whether a reference must be signed.
    client
        Function from the name of a region to a botocore client for KMS.
    """

    def __init__(
        self,
        key: str = "",
        trusted: tuple[str, ...] = (),
        *,
        required: bool = False,
        client: Callable[[str], Any] = kms_client,
    ) -> None:
        self._key = key
        self._trusted = {*trusted, key} - {""}
        self._client = client
        self.required = required

    @classmethod
    def of(cls, settings: "RegistrySettings") -> "Signatures":
        """What the settings say."""
        trusted = tuple(filter(None, settings.trusted_keys.split(",")))
        return cls(settings.signing_key, trusted, required=settings.require_signature)

    def sign(self, reference: Reference) -> bytes | None:
        """The contents of `signature.json`; None where no key signs.

        Raises
        ------
        ConfigError
            The key cannot sign: it does not exist, is disabled or about to be deleted, or is of another use.
        AwsUnavailable
            KMS failed, or refused.
        """
        if not self._key:
            return None
        with aws_errors(f"signing {reference.name}"):
            try:
                answer = self._client(_region(self._key)).sign(KeyId=self._key, **_message(reference))
            except ClientError as error:
                if error_code(error) not in _UNUSABLE:
                    raise
                raise ConfigError(
                    f"the key {self._key} cannot sign ({error_code(error)})",
                    "enable it, or name another one in SKYLIFT_SIGNING_KEY, then publish again",
                ) from error
        signature = b64encode(answer["Signature"]).decode()
        return Signature(reference=str(reference), key=self._key, signature=signature).to_bytes()

    def check(self, reference: Reference, stored: bytes | None) -> None:
        """Refuse a reference that no trusted key has signed.

        Parameters
        ----------
        stored
            Contents of its `signature.json`; None where it has none.

        Raises
        ------
        PromotionRefused
            It is not signed, the signature is not of this reference or of a key that counts, or that key cannot verify.
        AwsUnavailable
            KMS failed, or refused.
        """
        name = reference.name
        if stored is None:
            raise PromotionRefused(
                f"{name} is not signed, and a signature is required here",
                "train it again with the signing key, SKYLIFT_SIGNING_KEY or --stack",
            )
        document = _read(name, stored)
        if document.reference != str(reference):
            raise PromotionRefused(f"the signature of {name} is of something else", _UNKNOWN)
        if document.key not in self._trusted:
            raise PromotionRefused(
                f"{name} is signed by {document.key[:200]!r}, which does not count here",
                "if it should, add it to TrustedKeyArns of the stack, or SKYLIFT_TRUSTED_KEYS",
            )
        if not self._is_valid(reference, document):
            raise PromotionRefused(f"the signature of {name} is not that of its key", _UNKNOWN)

    def _is_valid(self, reference: Reference, document: Signature) -> bool:
        with aws_errors(f"verifying the signature of {reference.name}"):
            try:
                answer = self._client(_region(document.key)).verify(
                    KeyId=document.key, Signature=b64decode(document.signature), **_message(reference)
                )
            except ClientError as error:
                if error_code(error) == _WRONG:
                    return False
                if error_code(error) not in _UNUSABLE:
                    raise
                raise PromotionRefused(
                    f"the key that signed {reference.name} cannot verify ({error_code(error)}): {document.key}",
                    "enable it, or train again with a key that counts",
                ) from error
        return bool(answer["SignatureValid"])


_UNKNOWN = "do not promote it before you know who wrote it; train again"


def _read(name: str, stored: bytes) -> Signature:
    try:
        document = Signature.model_validate_json(stored)
        decoded = b64decode(document.signature, validate=True)
    except ValidationError as error:
        raise PromotionRefused(f"{SIGNATURE_FILE} of {name} cannot be read ({first_fault(error)})", _UNKNOWN) from error
    except ValueError as error:
        raise PromotionRefused(f"{SIGNATURE_FILE} of {name} holds no base64", _UNKNOWN) from error
    if not decoded:  # which KMS would take for a wrong request
        raise PromotionRefused(f"{SIGNATURE_FILE} of {name} holds an empty signature", _UNKNOWN)
    return document


def _message(reference: Reference) -> dict[str, Any]:
    return {"Message": str(reference).encode(), "MessageType": "RAW", "SigningAlgorithm": _ALGORITHM}


def _region(key: str) -> str:
    """Region of a key, from its ARN."""
    return key.split(":")[3]
