"""What the image's build removes, compiles and measures."""

import stat
import sys
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from inference import tidy_image


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Run a step as the Dockerfile does; its exit code."""
    monkeypatch.setattr(sys, "argv", ["tidy_image.py", *map(str, arguments)])
    return tidy_image.main()


def test_tests_caches_and_console_scripts_are_removed_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [write(tmp_path / name) for name in ("pkg/core.py", "pkg/testing/api.py", "pkg/bin/data.txt", "tests.py")]
    for name in ("bin/run", "pkg/tests/tests/test_deep.py", "pkg/sub/tests/test_core.py", "pkg/__pycache__/core.pyc"):
        write(tmp_path / name)

    assert run(monkeypatch, "prune", tmp_path) == 0

    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(kept)


def test_bytecode_is_used_without_a_look_at_the_source_and_everyone_may_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path / "pkg" / "core.py", "answer = 42\n")
    source.chmod(0o600)

    assert run(monkeypatch, "compile", tmp_path) == 0

    compiled = Path(cache_from_source(str(source)))
    unchecked_hash = 0b01
    assert int.from_bytes(compiled.read_bytes()[4:8], "little") == unchecked_hash
    for path in (source, compiled):
        assert stat.S_IMODE(path.stat().st_mode) & 0o444 == 0o444


def test_source_that_does_not_compile_fails_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "core.py", "answer =\n")

    assert run(monkeypatch, "compile", tmp_path) == 1


@pytest.mark.parametrize(("budget", "code"), [(3, 0), (2, 1)])
def test_an_image_above_its_budget_fails_the_build(
    budget: int, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "code" / "small" / "a", "a" * 2**20)
    write(tmp_path / "models" / "large" / "b", "b" * 2**21)

    folders = [tmp_path / "code", tmp_path / "models"]
    assert run(monkeypatch, "measure", "--budget-mib", budget, *folders) == code
    assert capsys.readouterr().out == f"The image adds 3 MiB to its base (budget {budget}): large 2, small 1\n"
