"""Servers that do not answer, or not to the end."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread


class SilentServer:
    """A server that takes connections and never answers.

    Parameters
    ----------
    listening
        Socket of the server.
    """

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self.port: int = listening.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"

    def connections(self) -> int:
        """How many connections were made since the last call."""
        count = 0
        self._listening.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                self._listening.accept()[0].close()
                count += 1
        return count


@contextmanager
def silent_server() -> Iterator[SilentServer]:
    """A server on a free port of the loopback that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        yield SilentServer(listening)


@contextmanager
def cut_off_server() -> Iterator[int]:
    """A server that ends amid each answer; its port."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:

        def answer() -> None:
            with suppress(OSError):  # it was closed
                while True:
                    connection, _ = listening.accept()
                    with connection:
                        connection.recv(65536)
                        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{")

        thread = Thread(target=answer, daemon=True)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


@contextmanager
def trickling_server(beginning: bytes) -> Iterator[str]:
    """A server that answers each request by a beginning, and then by a letter each hundredth of a second; its URL."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:

        def trickle(connection: socket.socket) -> None:
            with connection, suppress(OSError):  # the client gave up
                connection.recv(65536)
                connection.sendall(beginning)
                while not closed.wait(0.01):
                    connection.sendall(b"a")

        def answer() -> None:
            with suppress(OSError):  # it was closed
                while True:
                    threads.append(Thread(target=trickle, args=(listening.accept()[0],), daemon=True))
                    threads[-1].start()

        closed, threads = Event(), [Thread(target=answer, daemon=True)]
        accepting = threads[0]
        accepting.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            closed.set()
            listening.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()
