"""Blocks read by pandas' parser are what `csv` and the rules of cells make of them, or are left to these."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from skylift.errors import DataError
from training.data import csv_file
from training.data.csv_block import BlockReader
from training.data.options import ReadOptions
from training.data.reader import RawTable, read_rows


def reading(block: str, *names: str, takes: Callable[[str, Any], bool] = lambda *_: True) -> dict[str, Any] | None:
    return BlockReader(names, ",", takes).read(block)


class TestWhatPandasReads:
    def test_numbers_are_numbers_and_all_else_is_texts(self) -> None:
        part = reading("1,1.5,a,true\n,2,b,false\n", "i", "f", "t", "b")

        assert part is not None
        assert [str(cells.dtype) for cells in part.values()] == ["Int64", "Float64", "object", "object"]
        assert part["b"].tolist() == ["true", "false"]

    def test_a_column_with_leading_zeros_keeps_them_while_others_are_numbers(self) -> None:
        part = reading('007,1e-05,10,a\n1,0.05,"0",01/02\n', "id", "x", "n", "t")

        assert part is not None
        assert part["id"].tolist() == ["007", "1"]
        assert part["x"].tolist() == [1e-05, 0.05]
        assert part["n"].tolist() == [10, 0]
        assert part["t"].tolist() == ["a", "01/02"]

    def test_numbers_that_are_not_taken_are_texts_as_written(self) -> None:
        part = reading("1.50,2\n1.0,3\n", "x", "y", takes=lambda name, _: name != "x")

        assert part is not None
        assert part["x"].tolist() == ["1.50", "1.0"]

    def test_a_delimiter_within_quotes_is_text(self) -> None:
        part = reading('"Braund, Owen",1\n"a ""b""",2\n', "name", "y")

        assert part is not None
        assert part["name"].tolist() == ["Braund, Owen", 'a "b"']

    @pytest.mark.parametrize("number", ["0.1", "2.2250738585072014e-308", "123456.7890123456789", "1e22", "-.5", "7."])
    def test_numbers_are_those_of_python(self, number: str) -> None:
        part = reading(f"{number},1\n", "x", "y")

        assert part is not None
        assert part["x"].tolist() == [float(number)]


@pytest.mark.parametrize(
    "block",
    [
        "1,2\n3\n",
        "1,2\n3,4,5\n",
        "1,2,3\n4,5,6\n",
        "1,2\n\n3,4\n",
        "1,2\n  \n",
        '"a\nb",2\n',
        '1,a"b\n',
        '1,"a"b\n',
        '1, "a"\n',
        '1,"a\n',
        "1,2\r3,4\n",
        "1,\0\n",
        "\ufeff1,2\n",
        "-9223372036854775808,1\n",
    ],
)
def test_what_csv_might_read_in_another_way_is_left_to_it(block: str) -> None:
    assert reading(block, "x", "y") is None


CELLS = st.one_of(
    st.integers(-100, 100).map(str),
    st.integers(-(2**70), 2**70).map(str),
    st.floats(allow_nan=True, allow_infinity=True).map(repr),
    st.floats(-1e6, 1e6).map("{:.3f}".format),
    st.from_regex(r"[+-]?0{0,2}[0-9]{0,3}\.?[0-9]{0,3}([eE][+-]?0?[0-9])?", fullmatch=True),
    st.sampled_from(["", " ", "NA", "?", "-", "true", "False", "é", " 5", "7 ", "-999", "-999.0", "1.015", "171", "x"]),
    st.sampled_from(["1,5", "a;b", 'say "a"', "two\nlines", '"', "01/02/2020", "2020-01-02", "0x1F", "1_000", "1:05"]),
)


@st.composite
def files(draw: st.DrawFn) -> str:
    """Files of a few columns, each of one or two kinds of cells, so that many are columns of numbers."""
    delimiter, rows = draw(st.sampled_from(",;")), draw(st.integers(1, 12))
    quoted = draw(st.booleans())
    columns = []
    for _ in range(draw(st.integers(2, 4))):
        kinds = st.sampled_from(draw(st.lists(CELLS, min_size=1, max_size=4)))
        columns.append(draw(st.lists(kinds, min_size=rows, max_size=rows)))
    text = delimiter.join(f"c{place}" for place in range(len(columns))) + "\n"
    for cells in zip(*columns, strict=True):
        written = [
            f'"{cell.replace(chr(34), chr(34) * 2)}"' if quoted or set(cell) & set(f'{delimiter}"\n') else cell
            for cell in cells
        ]
        text += delimiter.join(written) + draw(st.sampled_from(["\n"] * 9 + ["\r\n", f"{delimiter}\n", "\n\n"]))
    return text


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=files(),
    block=st.sampled_from([10, 40, 10_000]),
    options=st.sampled_from(
        [
            ReadOptions(),
            ReadOptions(missing=("-999", "NA")),
            ReadOptions(decimal=","),
            ReadOptions(thousands="."),
            ReadOptions(kinds={"c0": "number", "c1": "category"}),
            ReadOptions(target="c0"),
        ]
    ),
)
@example(text="c0,c1\nNA,0\nNA,0\n0.5,0\n", block=10, options=ReadOptions(target="c0"))
@example(text="c0,c1\n-1,0\n000,0\n00,0\n", block=10, options=ReadOptions())
@example(text="c0;c1;c2\n0;0;0\n0;0;0\n1.015;1,5;0\n", block=10, options=ReadOptions())
@example(text="c0,c1\n0,0\n0,0\n-999.0,0\n", block=10, options=ReadOptions(missing=("-999",)))
@example(text="c0,c1\n007,0\n-12345678901234567,0\n", block=10, options=ReadOptions())
def test_a_table_is_what_it_is_cell_by_cell(
    tmp_path_factory: pytest.TempPathFactory, text: str, block: int, options: ReadOptions
) -> None:
    path = tmp_path_factory.getbasetemp() / "block.csv"
    path.write_text(text, encoding="utf-8", newline="")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_file, "BLOCK", block)
        quick = outcome(path, options)
        patch.setattr(BlockReader, "read", lambda *_: None)
        patch.setattr(csv_file, "BLOCK", 10_000)
        careful = outcome(path, options)

    if isinstance(quick, RawTable) and isinstance(careful, RawTable):
        assert_frame_equal(quick.frame, careful.frame, check_exact=True)
        assert quick.notes == careful.notes
    else:
        assert quick == careful


def outcome(path: Path, options: ReadOptions) -> RawTable | str:
    try:
        return read_rows(path, options=options)
    except DataError as error:
        return str(error)
