"""Steps of the image's build; the image itself does not hold this file.

    python tidy_image.py prune FOLDER...
    python tidy_image.py compile FOLDER...
    python tidy_image.py measure --budget-mib 400 FOLDER...

Python rather than shell, because the Lambda base image has no `find`.
"""

import argparse
import compileall
import shutil
import sys
from pathlib import Path
from py_compile import PycInvalidationMode

_UNUSED = {"tests", "__pycache__"}
_MIB = 2**20


def prune(folder: Path) -> None:
    """Remove tests and caches of installed packages, and their console scripts: a function reads none of them."""
    unused = [place for place in sorted(folder.rglob("*")) if place.name in _UNUSED]
    for place in (folder / "bin", *unused):
        if place.is_dir():  # and not within another one, which is gone already
            shutil.rmtree(place)


def compile_bytecode(folder: Path) -> bool:
    """Compile every module, and let every user read all of it; whether all could be compiled.

    The bytecode is not compared with its source at import: neither changes in an image, and copying between stages and
    machines may change the times that Python would compare.
    """
    done = compileall.compile_dir(folder, quiet=1, workers=0, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
    return bool(done)


def measure(folder: Path) -> dict[str, float]:
    """Sizes in MiB of what is in the folder."""
    return {
        place.name: sum(path.stat().st_size for path in (place, *place.rglob("*")) if path.is_file()) / _MIB
        for place in folder.iterdir()
    }


def main() -> int:
    """Run one step; the exit code is 1 where it fails the build."""
    parser = argparse.ArgumentParser()
    parser.add_argument("step", choices=("prune", "compile", "measure"))
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--budget-mib", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.step == "prune":
        for folder in arguments.folders:
            prune(folder)
        return 0
    if arguments.step == "compile":
        return 0 if all(compile_bytecode(folder) for folder in arguments.folders) else 1
    parts = [part for folder in arguments.folders for part in measure(folder).items()]
    total = sum(size for _, size in parts)
    largest = ", ".join(f"{name} {size:.0f}" for name, size in sorted(parts, key=lambda part: -part[1])[:8])
    sys.stdout.write(f"The image adds {total:.0f} MiB to its base (budget {arguments.budget_mib}): {largest}\n")
    return 0 if total <= arguments.budget_mib else 1


if __name__ == "__main__":
    sys.exit(main())
