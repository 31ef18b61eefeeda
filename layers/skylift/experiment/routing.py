"""Which requests a challenger gets: the same caller the same answer, without a cookie and without a memory."""

import hashlib

BUCKETS = 10_000
"""A percentage is kept to a hundredth."""


def bucket(digest: str, key: str) -> int:
    """Place of a key in an experiment, 0 to 9,999.

    The challenger's digest is the salt: two experiments do not meet the same callers.

    Parameters
    ----------
    digest
        SHA-256 of the challenger's manifest.
    key
        Name of the caller, or of the request where none is known.
    """
    hashed = hashlib.sha256(f"{digest}\0{key}".encode(errors="surrogatepass")).digest()
    return int.from_bytes(hashed[:8]) % BUCKETS


def is_challenged(digest: str, key: str, percent: float) -> bool:
    """Whether the challenger gets a request.

    Whoever is in at a percentage is in at every larger one.

    Parameters
    ----------
    digest
        SHA-256 of the challenger's manifest.
    key
        Name of the caller, or of the request.
    percent
        Share of the requests in per cent, 0 to 100.

    Examples
    --------
    >>> is_challenged("0" * 64, "anna", 0), is_challenged("0" * 64, "anna", 100)
    (False, True)
    """
    return bucket(digest, key) < round(percent * BUCKETS / 100)
