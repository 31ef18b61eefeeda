"""The Open Inference Protocol V2, as the clients of Triton, KServe and MLServer speak it; see docs/v2.md."""

ROOT = "/v2"
"""The path above all of its paths."""


def is_v2(path: str) -> bool:
    """Whether a path belongs to the protocol.

    Examples
    --------
    >>> is_v2("/v2/health/live"), is_v2("/v20")
    (True, False)
    """
    return path == ROOT or path.startswith(f"{ROOT}/")
