"""A confined process computes and reads what it was given; everything else is refused, whoever its user is."""

import ctypes
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from skylift import confinement
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's confinement is Linux's")

CONFINED = """
import ctypes, fcntl, json, os, resource, shutil, signal, socket, struct, subprocess, sys, threading
from pathlib import Path
from skylift.confinement import confine, limit

own, secret, parent = Path(sys.argv[1]), Path(sys.argv[2]), os.getppid()
limit(seconds=20, memory=2**31, output=1000)
kept = confine([own, *(Path(entry) for entry in (*sys.path, sys.prefix, sys.base_prefix) if entry)])
libc = ctypes.CDLL(None, use_errno=True)

def tgkill():
    if libc.syscall(ctypes.c_long({"x86_64": 234, "aarch64": 131}[os.uname().machine]), parent, parent, 0):
        raise OSError(ctypes.get_errno(), "")

def shared_memory(call, *arguments):
    libc.shmat.restype = ctypes.c_ssize_t
    if getattr(libc, call)(int(sys.argv[3]), *arguments) == -1:
        raise OSError(ctypes.get_errno(), "")

def owner(command, *fields):
    reading, writing = os.pipe()
    fcntl.fcntl(reading, command, struct.pack("ii", *fields) if len(fields) > 1 else fields[0])

def in_a_thread():
    found = []
    def run():
        try:
            socket.socket()
        except BaseException as error:
            found.append(error)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if found:
        raise found[0]

tries = {
    "read its own file": lambda: (own / "given").read_text(),
    "compute in a thread": lambda: threading.Thread(target=sum, args=([1],)).start(),
    "read another file": secret.read_text,
    "list another folder": lambda: list(secret.parent.iterdir()),
    "read the parent's environment": lambda: Path(f"/proc/{parent}/environ").read_bytes(),
    "read the parent's memory": lambda: Path(f"/proc/{parent}/mem").open("rb"),
    "write its own file": lambda: (own / "given").write_text("changed"),
    "make a file": lambda: (own / "new").touch(),
    "remove a file": lambda: (own / "given").unlink(),
    "let others read a file": lambda: secret.chmod(0o777),
    "open a socket": socket.socket,
    "open a local socket": lambda: socket.socket(socket.AF_UNIX),
    "open a socket in a thread": in_a_thread,
    "fork": os.fork,
    "start a program": lambda: subprocess.run(["/bin/true"]),
    "become a program": lambda: os.execv("/bin/true", ["true"]),
    "signal the parent": lambda: os.kill(parent, 0),
    "signal all": lambda: os.kill(-1, 0),
    "signal the parent's thread": tgkill,
    "have the parent signalled": lambda: owner(fcntl.F_SETOWN, parent),
    "have the parent's thread signalled": lambda: owner(15, 0, parent),
    "open a pair of sockets": socket.socketpair,
    "read memory that others share": lambda: shared_memory("shmat", None, 0o10000),
    "remove memory that others share": lambda: shared_memory("shmctl", 0, None),
    "take the parent's time": lambda: resource.prlimit(parent, resource.RLIMIT_CPU, (1, 1)),
    "take memory without end": lambda: bytearray(10 * 2**30),
}
found = {}
for name, attempt in tries.items():
    try:
        attempt()
        found[name] = "done"
    except BaseException as error:
        found[name] = type(error).__name__
print(json.dumps([kept, found]))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[str | None, dict[str, str]]:
    """What a confined process could not be confined by, and the outcome of each thing it tried."""
    own, secret = tmp_path_factory.mktemp("own"), tmp_path_factory.mktemp("home") / "credentials"
    (own / "given").write_text("given")
    secret.write_text("secret")
    libc = ctypes.CDLL(None)
    shared = str(libc.shmget(0, 4096, 0o1600))
    command = [sys.executable, "-P", "-B", "-c", CONFINED, str(own), str(secret), shared]
    path = os.pathsep.join([str(ROOT / "layers"), *filter(None, sys.path)])
    try:
        answer = subprocess.run(command, env={"PYTHONPATH": path}, stdout=subprocess.PIPE, check=True, text=True)
    finally:
        libc.shmctl(int(shared), 0, None)
    kept, outcomes = json.loads(answer.stdout)
    assert (own / "given").read_text() == "given"
    return kept, outcomes


@linux
def test_the_kernel_holds_it_and_not_python(found: tuple[str | None, dict[str, str]]) -> None:
    assert found[0] is None


@linux
def test_a_confined_process_reads_what_it_was_given_and_computes_in_threads(
    found: tuple[str | None, dict[str, str]],
) -> None:
    assert [name for name, outcome in found[1].items() if outcome == "done"] == [
        "read its own file",
        "compute in a thread",
    ]


@linux
def test_each_other_thing_is_refused_as_a_matter_of_rights_or_of_memory(
    found: tuple[str | None, dict[str, str]],
) -> None:
    refused = {name: outcome for name, outcome in found[1].items() if outcome != "done"}

    assert refused.pop("take memory without end") == "MemoryError"
    assert set(refused.values()) == {"PermissionError"}


def test_where_the_kernel_cannot_it_says_why_and_python_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    hooks: list[Callable[[str, tuple[object, ...]], None]] = []
    monkeypatch.setattr(sys, "platform", "plan9")
    monkeypatch.setattr(sys, "addaudithook", hooks.append)

    reason = confinement.confine([])

    assert reason is not None
    assert "no filter for system calls" in reason
    (hook,) = hooks
    for event, arguments in (
        ("socket.connect", ()),
        ("subprocess.Popen", ()),
        ("os.kill", ()),
        ("open", ("f", "w", os.O_WRONLY)),
    ):
        with pytest.raises(PermissionError):
            hook(event, arguments)
    hook("open", ("f", "r", os.O_RDONLY))
    hook("import", ("numpy",))


@pytest.mark.parametrize("column", [0, 1], ids=["x86_64", "aarch64"])
def test_no_call_is_listed_twice_or_beyond_the_old_numbers(column: int) -> None:
    numbers = [entry[column] for entry in confinement._REFUSED.values() if entry[column] is not None]
    by_argument = (confinement._CLONE, confinement._TGKILL, confinement._PRLIMIT, confinement._FCNTL)
    numbers += [entry[column] for entry in by_argument]

    assert len(set(numbers)) == len(numbers)
    assert all(number < confinement._FIRST_OF_TODAY for number in numbers if number is not None)
