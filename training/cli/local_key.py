"""The key with which the embedded AWS signs: made once, and kept in its folder.

Whoever can read the folder can sign, as can whoever calls that AWS: it shows how signatures work, and protects nothing.
"""

from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.kms.models import Key, kms_backends

from skylift.references import sha256
from training.cli.aws_state import REGION, StateDamaged
from training.files import replace_file

_FILE = "signing-key.pem"
_OWNER_ONLY = 0o600


def signing_key(folder: Path | None) -> str:
    """Give moto's KMS the key of a folder, which the first call makes.

    Parameters
    ----------
    folder
        Folder that keeps it; None to keep none.

    Returns
    -------
    str
        ARN of the key: the same for the same key.

    Raises
    ------
    StateDamaged
        The stored key cannot be read.
    """
    private = _kept(folder / _FILE) if folder else ec.generate_private_key(ec.SECP256R1())
    make: Any = Key  # abstract only as a resource of CloudFormation
    key = make("", "SIGN_VERIFY", "ECC_NIST_P256", "signs what is published", DEFAULT_ACCOUNT_ID, REGION)
    key.private_key.private_key = private
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key.arn = key.arn.replace(key.id, name := sha256(public)[:32])
    key.id = name
    kms_backends[DEFAULT_ACCOUNT_ID][REGION].keys[name] = key
    return str(key.arn)


def _kept(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        private = ec.generate_private_key(ec.SECP256R1())
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        path.chmod(_OWNER_ONLY)
    except ValueError as error:
        raise _damaged(path) from error
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise _damaged(path)
    return private


def _damaged(path: Path) -> StateDamaged:
    return StateDamaged(f"{path} is not a key that signs", "restore it, or delete it: the next start makes another")
