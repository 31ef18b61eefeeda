"""A text file is cut between records, wherever its line ends are."""

import csv
import io
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skylift.bulk import records
from skylift.bulk.records import Cut, UnclearEnds, cuts
from tests.support.contracts import modest

CELLS = st.text(st.sampled_from(list('ab,"\n\r ')), max_size=6)


def cut(content: bytes, *, every: int = 1, delimiter: str | None = ",", skip: int = 0) -> list[Cut]:
    return list(cuts(io.BytesIO(content), every=every, delimiter=delimiter, skip=skip))


def test_a_file_is_cut_behind_its_header() -> None:
    assert cut(b"x,y\n1,2\n3,4\n", skip=1) == [Cut(4, 0), Cut(8, 1), Cut(12, 2)]


def test_parts_have_about_as_many_bytes_as_are_asked_for() -> None:
    assert cut(b"1\n" * 10, every=7) == [Cut(0, 0), Cut(8, 4), Cut(16, 8), Cut(20, 10)]


def test_blank_lines_do_not_count_and_a_last_line_needs_no_end() -> None:
    assert cut(b"\n\r\n1\n\n2\r\n\r\n3", every=100) == [Cut(0, 0), Cut(12, 3)]


def test_a_file_of_a_header_has_no_rows() -> None:
    assert cut(b"x,y", skip=1)[-1].records == 0
    assert cut(b"", skip=1) == [Cut(0, 0)]


def test_lines_of_json_may_hold_any_quotes() -> None:
    assert cut(b'{"a": "\\""}\n{}\n', delimiter=None) == [Cut(0, 0), Cut(12, 1), Cut(15, 2)]


def test_a_record_that_is_too_long_is_between_two_cuts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "LARGEST_RECORD", 9)
    monkeypatch.setattr(records, "_BLOCK", 4)
    content = b'x,y\n1,2\n"long\nlong",2\n\n3,4\n' + b"longer,longer"

    assert cut(content, every=100, skip=1) == [
        Cut(4, 0),
        Cut(8, 1),
        Cut(22, 2, oversized=True),
        Cut(27, 3),
        Cut(40, 4, oversized=True),
    ]


def test_a_long_line_is_never_in_memory_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "_BLOCK", 10)
    asked = []

    class File(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            asked.append(size)
            return super().read(size)

        def readline(self, size: int | None = -1, /) -> bytes:
            raise AssertionError(size)

    assert list(cuts(File(b"1" * 1000), every=5, delimiter=",")) == [Cut(0, 0), Cut(1000, 1)]
    assert set(asked) == {10}


@pytest.mark.parametrize("content", [b'5" pipe,1\n2,3\n', b'"a"b,1\n', b'"open,1\n2,3\n', b"1,2\r3,4\r"])
def test_where_only_a_parser_finds_the_ends_of_records_the_file_stays_whole(content: bytes) -> None:
    with pytest.raises(UnclearEnds):
        cut(content)


@modest
@given(
    st.lists(st.lists(CELLS, min_size=2, max_size=3), min_size=1, max_size=12), st.integers(1, 40), st.integers(1, 9)
)
def test_every_piece_is_whole_records(rows: list[list[str]], every: int, block: int) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    content = text.getvalue().encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "_BLOCK", block)
        found = cut(content, every=every)

    read: list[list[str]] = []
    for one, other in pairwise(found):
        piece = content[one.byte : other.byte].decode()
        lines = [row for row in csv.reader(io.StringIO(piece, newline="")) if row]
        assert len(lines) == other.records - one.records
        read += lines
    assert read == rows
