"""Whether this machine can build and push images, asked before the first minute of a build."""

import re
import subprocess
from pathlib import Path

from deploy.tools import path_of
from skylift.errors import ConfigError

_SECONDS = 60
_DOCKERS_NAME = {"arm64": "arm64", "x86_64": "amd64"}
_KERNELS_NAME = {"arm64": "aarch64", "x86_64": "x86_64"}
_EMULATORS = Path("/proc/sys/fs/binfmt_misc")


def check_docker(architecture: str | None = None) -> None:
    """Refuse to begin where Docker cannot do its part.

    Parameters
    ----------
    architecture
        Architecture for which images are built, as Lambda names it; None where none are built.

    Raises
    ------
    ToolFailed
        Docker is not installed.
    ConfigError
        It does not run, or can neither build for the architecture nor emulate it.
    """
    engine = _answer("version", "--format", "{{.Server.Arch}}")
    if engine is None:
        raise ConfigError("Docker does not run", "start its engine: Docker Desktop, or `sudo systemctl start docker`")
    others = {name: known for name, known in _DOCKERS_NAME.items() if name != architecture}
    if architecture is None or engine not in others.values() or _emulates(architecture):
        return
    (own,) = (name for name, known in others.items() if known == engine)
    raise ConfigError(
        f"the images are for {architecture}, and Docker here builds for {own} only",
        f"deploy for it, with PARAMS='Architecture={own}'; or let Docker emulate the other: "
        f"docker run --privileged --rm tonistiigi/binfmt --install {_DOCKERS_NAME[architecture]}",
    )


def _emulates(architecture: str) -> bool:
    """Whether the engine runs programs of another architecture, which a Dockerfile's `RUN` needs."""
    builder = _answer("buildx", "inspect")
    if builder is None:  # not installed
        return (_EMULATORS / f"qemu-{_KERNELS_NAME[architecture]}").exists()
    platforms = re.findall(r"^Platforms:(.*)$", builder, flags=re.MULTILINE)
    return f"linux/{_DOCKERS_NAME[architecture]}" in re.findall(r"linux/\w+", " ".join(platforms))


def _answer(*arguments: str) -> str | None:
    """What docker says; None where it fails."""
    docker = path_of("docker")
    try:
        done = subprocess.run(
            [docker, *arguments], capture_output=True, text=True, check=True, timeout=_SECONDS, stdin=subprocess.DEVNULL
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip()
