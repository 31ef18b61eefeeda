"""The rows of JSON Lines are read as they were written."""

from pathlib import Path

import pytest

from skylift.errors import DataError
from tests.support.batches import numbers, read


def test_json_lines_may_begin_with_a_mark_and_are_not_an_array(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_bytes(b'\xef\xbb\xbf{"x": 1}\n')
    assert numbers(read(tmp_path / "t.jsonl")) == [1]

    (tmp_path / "t.jsonl").write_bytes('{"x": 1}\n'.encode("utf-16"))
    with pytest.raises(DataError, match="is UTF-16: write JSON Lines as UTF-8"):
        read(tmp_path / "t.jsonl")

    for mark in (b"", b"\xef\xbb\xbf"):
        (tmp_path / "t.jsonl").write_bytes(mark + b'[\n {"x": 1}\n]')
        with pytest.raises(DataError, match="is an array of JSON: write JSON Lines"):
            read(tmp_path / "t.jsonl")
