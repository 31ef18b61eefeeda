"""The word list: what it finds, where it says it is, and what it leaves alone."""

from pathlib import Path
from textwrap import dedent

import pytest

from tests.support.paths import ROOT
from tools.words import EXCEPTIONS, check, main


def positions(text: str, suffix: str = ".md") -> list[tuple[int, int, str]]:
    return [(finding.line, finding.column, finding.text) for finding in check(text, suffix)]


def test_a_word_is_found_with_its_place_and_what_to_say() -> None:
    (finding,) = check("All is well.\nThen mend the data.\n", ".md")

    assert str(finding) == "2:6: 'mend' -> fix"


def test_a_phrase_is_found_across_lines_and_in_any_case() -> None:
    assert positions("The version In\n    service stays.") == [(1, 13, "In service")]


@pytest.mark.parametrize(
    "text", ["a recommended amendment", "there is no stack", "it is no longer there", "rigs and springs", "seashalls"]
)
def test_other_words_are_left_alone(text: str) -> None:
    assert positions(text) == []


def test_what_is_not_an_integer_is_found() -> None:
    assert positions("'n/a' is no integer, and these are no dates") == [(1, 7, "is no"), (1, 32, "are no")]


class TestPython:
    def test_names_are_code_but_comments_docstrings_and_strings_are_prose(self) -> None:
        source = dedent('''\
            def mend(anew):
                """Mend it."""
                # and mend that
                return f"mended {anew} anew", "mends"
        ''')

        assert positions(source, ".py") == [
            (2, 8, "Mend"),
            (3, 11, "mend"),
            (4, 14, "mended"),
            (4, 28, "anew"),
            (4, 36, "mends"),
        ]

    def test_the_name_of_a_test_is_a_sentence(self) -> None:
        assert positions("def test_a_value_is_no_number() -> None: ...\n", ".py") == [(1, 18, "is no")]

    def test_a_phrase_is_found_across_comment_lines_and_joined_strings(self) -> None:
        source = '# what is in\n# service\nx = ("better than that of "\n     "a dummy")\n'

        assert positions(source, ".py") == [(1, 11, "in service"), (3, 24, "of a dummy")]

    def test_a_phrase_is_not_found_across_code(self) -> None:
        assert positions('x = "in"  # it\ny = 1  # in\nz = "service"\n', ".py") == []

    def test_a_description_that_needs_its_name_is_found(self) -> None:
        source = dedent('''\
            def f(client, *rows, size=0):
                """Do it.

                Parameters
                ----------
                client
                    Of AWS.
                *rows
                    Rows of the table.
                    Of any length.
                size : int
                    For all of them, in bytes.

                Returns
                -------
                Of no matter.
                """
        ''')

        assert positions(source, ".py") == [(7, 9, "Of ..."), (12, 9, "For ...")]


def test_a_file_with_findings_fails_and_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("The alarm rings.", encoding="utf-8")

    assert main([str(page)]) == 1
    assert capsys.readouterr().out == f"{page}:1:11: 'rings' -> fires\n"


def test_exceptions_are_not_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(EXCEPTIONS) == 0
    assert capsys.readouterr().out == ""


def test_every_exception_is_a_file() -> None:
    assert [name for name in EXCEPTIONS if not (ROOT / name).is_file()] == []
