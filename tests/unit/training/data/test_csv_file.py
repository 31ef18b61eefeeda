"""Records that do not fit the header are refused with their line."""

from pathlib import Path

from tests.support.tables import feature_of, lines, one_feature, refusal, table_of


class TestBrokenLines:
    def test_stray_quotes_are_named_by_their_lines(self, tmp_path: Path) -> None:
        text = lines("a,note,b,y", lambda number: f"{number},{chr(34) if number in {10, 30} else ''}late,{number},p")

        assert "line 12 of table.csv opens a quote that line 32 closes" in refusal(tmp_path, text)

    def test_a_quote_that_is_never_closed_is_named_by_its_line(self, tmp_path: Path) -> None:
        text = one_feature(lambda number: '"7' if number == 20 else "7")

        assert "line 22 opens a quote that is never closed" in refusal(tmp_path, text)

    def test_texts_of_several_lines_are_texts(self, tmp_path: Path) -> None:
        text = one_feature(lambda number: '"one,\ntwo,\nthree"' if number % 2 else "four")

        assert feature_of(table_of(tmp_path, text), "x").categories == ("four", "one,\ntwo,\nthree")

    def test_a_delimiter_at_the_end_of_lines_is_none_more(self, tmp_path: Path) -> None:
        text = lines("x,y", lambda number: f"{number},{number % 2},")

        assert len(table_of(tmp_path, text).rows) == 40
