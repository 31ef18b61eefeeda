"""Ports on the loopback."""

import secrets
import socket

_NEVER_GIVEN_AWAY = range(20_000, 32_768)
"""Below the ports that systems give to whoever asks for any, or has a connection."""

_taken: set[int] = set()


def free_port() -> int:
    """A port that nothing listens on now, and that neither the system nor this function gives to anybody else here."""
    while True:
        port = secrets.choice(_NEVER_GIVEN_AWAY)
        if port not in _taken and _is_free(port):
            _taken.add(port)
            return port


def _is_free(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False
