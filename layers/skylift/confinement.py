"""Takes from a process what it needs for no score: network, other processes, files, time and memory without end.

On Linux the kernel does it, for unprivileged users and in containers too: Landlock holds for the files (`man 7
landlock`), a seccomp filter for the system calls (`man 2 seccomp`), resource limits for the rest. Elsewhere, an audit
hook of Python stops what goes through Python, and no more.
"""

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_SIGKILL = 9

# linux/landlock.h; the numbers of its system calls are the same on every architecture
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1
_EXECUTE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 2, 1 << 3
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
"""Number of the rights that each version of Landlock knows; of a later one, 16."""

# linux/seccomp.h, linux/filter.h
_SECCOMP_MODE_FILTER = 2
_ALLOW, _REFUSE, _UNKNOWN = 0x7FFF0000, 0x00050000 | 1, 0x00050000 | 38  # let it pass, EPERM, ENOSYS
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _SECOND_ARGUMENT = 0, 4, 16, 24
_CLONE_THREAD = 0x10000
_SET_OWNER, _SET_OWNER_BY_KIND = 8, 15  # of a file: the process that gets a signal of choice when it is ready
_FIRST_OF_TODAY = 424
"""From here on the numbers are new: whatever needs one of them falls back to an older one."""

_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_REFUSED = {  # by name: number on x86_64, on aarch64
    "socket": (41, 198),
    "socketpair": (53, 199),  # whose `ioctl` sets an owner too
    "execve": (59, 221),
    "execveat": (322, 281),
    "fork": (57, None),
    "vfork": (58, None),
    "kill": (62, 129),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "setpriority": (141, 140),
    "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "truncate": (76, 45),
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "chown": (92, None),
    "lchown": (94, None),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "ioprio_set": (251, 30),
    "shmget": (29, 194),
    "shmat": (30, 196),  # these and the like take numbers, which can be guessed
    "shmctl": (31, 195),
    "semget": (64, 190),
    "semop": (65, 193),
    "semtimedop": (220, 192),
    "semctl": (66, 191),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
}
_CLONE, _TGKILL, _PRLIMIT, _FCNTL = (56, 220), (234, 131), (302, 261), (72, 25)

_READ_ANYWHERE = (
    "/usr",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/dev/null",
    "/dev/urandom",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/self",
    "/sys/devices/system/cpu",
)
_HOOKED = ("socket.", "os.exec", "os.fork", "os.kill", "os.posix_spawn", "os.spawn", "os.system", "subprocess.")


def close_to_others() -> None:
    """Let no process of the same user read or trace this one from now on: its environment holds credentials."""
    if sys.platform == "linux":
        _prctl(_PR_SET_DUMPABLE, 0)


def limit(*, seconds: int, memory: int, output: int) -> None:
    """Bound what this process may use; what a system has no limit for stays unbounded.

    Parameters
    ----------
    seconds
        Processor time, in seconds.
    memory
        Address space, in bytes.
    output
        Size of a file that it writes, in bytes.
    """
    try:
        import resource
    except ImportError:  # on Windows
        return
    for kind, value in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, output),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):  # macOS knows RLIMIT_AS and refuses to set it
            resource.setrlimit(kind, (value, value))


def confine(readable: Iterable[Path]) -> str | None:
    """Leave to this process, and to every thread it starts, only computing and reading.

    Parameters
    ----------
    readable
        Files and folders that it may read, beside what the system's own libraries need.

    Returns
    -------
    None if the kernel holds it; else the reason why only Python's audit hook does.
    """
    try:
        _confine_by_kernel(readable)
    except OSError as error:
        sys.addaudithook(_refuse)
        return error.strerror
    return None


def _confine_by_kernel(readable: Iterable[Path]) -> None:
    if sys.platform != "linux" or (machine := platform.machine()) not in _MACHINES:
        raise OSError(38, f"{platform.system()} on {platform.machine()} has no filter for system calls here")
    _prctl(_PR_SET_PDEATHSIG, _SIGKILL)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _drop_capabilities()
    _restrict_files([*readable, *map(Path, _READ_ANYWHERE)])
    program = b"".join(_filter(*_MACHINES[machine], os.getpid()))
    buffer = ctypes.create_string_buffer(program)
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer)))


def _drop_capabilities() -> None:
    """What root may do beyond its own files; others have none to lose."""
    version = struct.pack("=Ii", 0x20080522, 0)
    _checked(ctypes.CDLL(None, use_errno=True).capset(version, bytes(24)))


def _restrict_files(readable: Iterable[Path]) -> None:
    """Refuse every file but these, which may be read; and to look into processes outside."""
    version = _landlock(_CREATE_RULESET, None, ctypes.c_size_t(0), _RULESET_VERSION)
    handled = (1 << _FILE_RIGHTS.get(version, 16)) - 1
    rules = _landlock(_CREATE_RULESET, struct.pack("=Q", handled), ctypes.c_size_t(8), 0)
    try:
        for path in readable:
            try:
                place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:  # it does not exist, or is closed to this user anyway
                continue
            rights = _EXECUTE | _READ_FILE | (_READ_DIR if path.is_dir() else 0)
            try:
                _landlock(_ADD_RULE, rules, _RULE_PATH_BENEATH, struct.pack("=Qi", rights, place), 0)
            finally:
                os.close(place)
        _landlock(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def _filter(column: int, architecture: int, process: int) -> list[bytes]:
    """The seccomp filter: refused calls by number, and four that are refused by an argument."""
    program = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_IF_EQUAL, architecture, 1, 0),
        _step(_RETURN, _REFUSE),
        _step(_LOAD, _NUMBER),
        _step(_IF_AT_LEAST, _FIRST_OF_TODAY, 0, 1),
        _step(_RETURN, _UNKNOWN),
    ]
    for numbers in _REFUSED.values():
        if (number := numbers[column]) is not None:
            program += [_step(_IF_EQUAL, number, 0, 1), _step(_RETURN, _REFUSE)]
    threads_only = [_step(_IF_ANY_BIT, _CLONE_THREAD, 1, 0), _step(_RETURN, _REFUSE)]
    itself_only = [_step(_IF_EQUAL, process, 1, 0), _step(_RETURN, _REFUSE)]
    itself_as_zero = [_step(_IF_EQUAL, 0, 1, 0), _step(_RETURN, _REFUSE)]
    no_owner = [
        *(_step(_IF_EQUAL, _SET_OWNER, 0, 1), _step(_RETURN, _REFUSE)),
        *(_step(_IF_EQUAL, _SET_OWNER_BY_KIND, 0, 1), _step(_RETURN, _REFUSE)),
    ]
    for numbers, argument, check in (
        (_CLONE, _FIRST_ARGUMENT, threads_only),
        (_TGKILL, _FIRST_ARGUMENT, itself_only),
        (_PRLIMIT, _FIRST_ARGUMENT, itself_as_zero),
        (_FCNTL, _SECOND_ARGUMENT, no_owner),
    ):
        inside = [_step(_LOAD, argument), *check, _step(_RETURN, _ALLOW)]
        program += [_step(_IF_EQUAL, numbers[column], 0, len(inside)), *inside]
    return [*program, _step(_RETURN, _ALLOW)]


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _prctl(option: int, *arguments: int | bytes) -> None:
    values = [argument if isinstance(argument, bytes) else ctypes.c_ulong(argument) for argument in arguments]
    padding = [ctypes.c_ulong(0)] * (4 - len(values))
    _checked(ctypes.CDLL(None, use_errno=True).prctl(option, *values, *padding))


def _landlock(number: int, *arguments: object) -> int:
    return _checked(ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(number), *arguments))


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    """Python's own audit hook."""
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    if writes or event.startswith(_HOOKED):
        raise PermissionError(1, f"{event} is refused")
