"""Load over HTTP: `wrk` where it is installed, else processes with plain sockets.

`python -m benchmarks.load HOST PORT SECONDS CONNECTIONS < body` is one such process; it prints how many requests
were answered.
"""

import json
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

CONNECTIONS = 8
_PROCESSES = 2
_TIMEOUT_SECONDS = 60.0


class LoadFailed(RuntimeError):
    """Requests failed."""


class Connection:
    """A keep-alive connection that sends the same request again and again.

    Parameters
    ----------
    host, port
        Address of the service.
    body
        JSON for `POST /predict`.
    """

    def __init__(self, host: str, port: int, body: bytes) -> None:
        head = (
            f"POST /predict HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self._request = head.encode() + body
        self._socket = socket.create_connection((host, port), timeout=_TIMEOUT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self) -> tuple[int, bytes]:
        """Send the request; status and body of the answer."""
        self._socket.sendall(self._request)
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._receive()
        head = received[:end].lower()
        match = re.search(rb"content-length: (\d+)", head)
        length = int(match[1]) if match else 0
        while len(received) < end + 4 + length:
            received += self._receive()
        return int(head[9:12]), received[end + 4 :]

    def _receive(self) -> bytes:
        if not (data := self._socket.recv(65536)):
            raise LoadFailed("the service closed the connection")
        return data


def generator() -> str:
    """Which one is used here."""
    if shutil.which("wrk") is None:
        return f"built-in: {_PROCESSES} processes with {CONNECTIONS // _PROCESSES} connections each"
    version = subprocess.run(["wrk", "--version"], capture_output=True, text=True, check=False).stdout
    return " ".join(version.split()[:2]) + f", 1 thread, {CONNECTIONS} connections"


def requests_per_second(host: str, port: int, body: bytes, seconds: float, *, connections: int = CONNECTIONS) -> float:
    """Put a service under load.

    Parameters
    ----------
    seconds
        How long.
    connections
        Number of connections that are kept open.

    Raises
    ------
    LoadFailed
        A request was not answered with 200.
    """
    return (_wrk if shutil.which("wrk") else _built_in)(host, port, body, seconds, connections)


def _wrk(host: str, port: int, body: bytes, seconds: float, connections: int) -> float:
    with TemporaryDirectory() as folder:
        script = Path(folder, "request.lua")
        script.write_text(
            'wrk.method = "POST"\n'
            'wrk.headers["Content-Type"] = "application/json"\n'
            f"wrk.body = {json.dumps(body.decode())}\n",
            encoding="utf-8",
        )
        duration = f"{max(1, round(seconds))}s"
        command = [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{duration}",
            f"--timeout={_TIMEOUT_SECONDS:.0f}s",
            "-s",
            str(script),
        ]
        done = subprocess.run([*command, f"http://{host}:{port}/predict"], capture_output=True, text=True, check=True)
    rate = re.search(r"Requests/sec:\s+([0-9.]+)", done.stdout)
    if rate is None or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise LoadFailed(done.stdout + done.stderr)
    return float(rate[1])


def _built_in(host: str, port: int, body: bytes, seconds: float, connections: int) -> float:
    command = [sys.executable, "-m", __name__, host, str(port), str(seconds), str(connections // _PROCESSES)]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(_PROCESSES)]
    for process in processes:  # all have started before the first is waited for
        assert process.stdin is not None
        process.stdin.write(body)
        process.stdin.close()
        process.stdin = None
    counts = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        raise LoadFailed("a load process failed")
    return sum(int(count) for count in counts) / seconds


def _ask_until(host: str, port: int, body: bytes, ends: float) -> int:
    count = 0
    with Connection(host, port, body) as connection:
        while time.monotonic() < ends:
            status, answer = connection.ask()
            if status != 200:
                raise LoadFailed(f"status {status}: {answer[:300]!r}")
            count += 1
    return count


def main() -> None:
    """Be one load process."""
    host, port, seconds, connections = sys.argv[1:5]
    body = sys.stdin.buffer.read()
    counts: list[int] = []
    ends = time.monotonic() + float(seconds)
    threads = [
        threading.Thread(target=lambda: counts.append(_ask_until(host, int(port), body, ends)))
        for _ in range(int(connections))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(counts) < len(threads):
        raise SystemExit(1)
    sys.stdout.write(f"{sum(counts)}\n")


if __name__ == "__main__":
    main()
