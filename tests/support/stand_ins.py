"""Scripts whose programs this process answers: a program for each call would load Python's packages again and again."""

import json
import os
import socketserver
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import NamedTuple
from unittest.mock import patch

from tests.support.waiting import TIMES_OUT


class Outcome(NamedTuple):
    """What a program comes to."""

    code: int
    stdout: str = ""
    stderr: str = ""


type StandIn = Callable[[list[str]], Outcome]
"""Gets the arguments of a call; the folder and the environment of the caller are this process's meanwhile."""

_CLIENT = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({socket!r})
    server.sendall(json.dumps([os.getcwd(), dict(os.environ), {name!r}, sys.argv[1:]]).encode())
    server.shutdown(socket.SHUT_WR)
    with server.makefile() as answer:
        code, out, err = json.load(answer)
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(code)
"""


def run_script(script: str, folder: Path, environment: dict[str, str], stand_ins: Mapping[str, StandIn]) -> Outcome:
    """Run a shell script until a command fails.

    Parameters
    ----------
    script
        Commands for `sh`.
    folder
        Folder to run it in; its `.venv/bin` gets the stand-ins.
    environment
        Environment of the script.
    stand_ins
        Programs by name.

    Returns
    -------
    Exit code and everything printed, as stdout.
    """
    with TemporaryDirectory() as short, _Server(f"{short}/socket", stand_ins) as server:  # a socket's path is limited
        for name in stand_ins:
            write_program(folder / ".venv" / "bin" / name, _CLIENT.format(python=sys.executable, **server.call(name)))
        with subprocess.Popen(
            ["sh", "-eu", "-c", script],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            return server.answer_until_end_of(process)


def write_program(path: Path, text: str) -> None:
    """Write an executable file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


class _Handler(socketserver.StreamRequestHandler):
    server: "_Server"

    def handle(self) -> None:
        folder, environment, name, arguments = json.loads(self.rfile.read())
        with chdir(folder), patch.dict(os.environ, environment, clear=True):
            outcome = self.server.stand_ins[name](arguments)
        self.wfile.write(json.dumps(outcome).encode())


class _Server(socketserver.UnixStreamServer):
    def __init__(self, path: str, stand_ins: Mapping[str, StandIn]) -> None:
        super().__init__(path, _Handler)
        self.stand_ins = stand_ins

    def call(self, name: str) -> dict[str, str]:
        """How a client reaches a stand-in."""
        return {"socket": str(self.server_address), "name": name}

    def answer_until_end_of(self, process: subprocess.Popen[str]) -> Outcome:
        """Answer in the main thread, where signal handlers may be set, while another one reads what is printed."""
        printed: list[str] = []

        def read() -> None:
            try:
                printed.append(process.communicate(timeout=TIMES_OUT)[0])
            except subprocess.TimeoutExpired:
                process.kill()
                printed.append(process.communicate()[0])
            finally:
                self.shutdown()

        reader = Thread(target=read)
        reader.start()
        self.serve_forever(poll_interval=0.05)
        reader.join()
        return Outcome(process.returncode, printed[0])
