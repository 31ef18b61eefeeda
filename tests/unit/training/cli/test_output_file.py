"""Files that an option of a command names."""

import os
from pathlib import Path

import pytest

from skylift.errors import ConfigError
from training.cli.output_file import write_output


def test_a_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    write_output(tmp_path / "reports" / "new" / "card.html", b"card", "--card")

    assert (tmp_path / "reports" / "new" / "card.html").read_bytes() == b"card"


def test_what_cannot_be_written_names_the_file_and_the_option(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ConfigError) as refused:
        write_output(tmp_path / "file" / "model.yaml", b"", "--output")

    assert refused.value.message.startswith(f"{tmp_path / 'file' / 'model.yaml'} cannot be written (")
    assert refused.value.hint == "name another with --output"


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        write_output(tmp_path, b"", "--json")


@pytest.mark.skipif(os.name != "posix", reason="needs devices as files")
def test_a_device_is_written_to_as_it_is() -> None:
    write_output(Path(os.devnull), b"{}", "--json")

    assert not Path(os.devnull).is_file()
