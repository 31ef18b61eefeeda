"""Workers share the connections that come at the same time."""

import asyncio
import socket
from contextlib import ExitStack

from inference.fair_loop import FairLoop

WAITING = 3
TURNS = 30


def test_one_of_several_connections_that_wait_is_accepted_in_a_turn() -> None:
    accepted: list[asyncio.BaseTransport] = []

    class Accepted(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            accepted.append(transport)

    async def counts(listening: socket.socket) -> list[int]:
        server = await asyncio.get_running_loop().create_server(Accepted, sock=listening)
        counted: list[int] = []
        while len(counted) < TURNS and len(accepted) < WAITING:
            await asyncio.sleep(0)
            counted.append(len(accepted))
        server.close()
        for transport in accepted:
            transport.close()
        await server.wait_closed()
        return counted

    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        for _ in range(WAITING):
            stack.enter_context(socket.create_connection(listening.getsockname()))
        runner = stack.enter_context(asyncio.Runner(loop_factory=FairLoop))
        assert {1, 2, 3} <= set(runner.run(counts(listening)))
