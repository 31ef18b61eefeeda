"""Tells from its bytes how many arrays and objects a body holds: parsed, each takes fifty times its two brackets."""

HARMLESS_BYTES = 2**16
"""A body of so few bytes cannot nest enough to matter."""

_PLAIN = bytes(set(range(256)) - set(b'[]{}"'))


def allowed(max_instances: int) -> int:
    """How many arrays and objects a body may hold.

    Each instance is an object, and may hold another in a column that the contract ignores.
    """
    return 2 * max_instances + 100


def at_most(body: bytes) -> int:
    """The number of arrays and objects in a body, and of their opening brackets in its texts."""
    return body.count(b"{") + body.count(b"[")


def brackets(body: bytes) -> bytes:
    r"""The brackets of a body that are in no text, in their order.

    Examples
    --------
    >>> brackets(rb'{"instances": [{"a": "[\\"["}, {}]}')
    b'{[{}{}]}'
    """
    unescaped = body.replace(rb"\\", b"").replace(rb"\"", b"")
    texts = unescaped.translate(None, _PLAIN).replace(b'""', b"")
    return b"".join(texts.split(b'"')[::2])
