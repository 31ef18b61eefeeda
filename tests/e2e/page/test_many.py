"""The tab Many: tables in the usual dialects, their answers, the rows that are refused, and the file with both."""

import csv
from pathlib import Path

from playwright.sync_api import Page, Route, expect

from tests.support.browser import Visits, violations

TABLE = """\ufeffSize;rooms;city;built;"a;b"
50;3;City 001;01.02.1999;x
"5,5";3;City 002;02.02.1999;y
80;2;City 9999;2001-05-05;"two
lines"

1;2
90;4;"City 003";2001-05-05;z
"""


def answered(page: Page) -> str:
    """What is said at the end."""
    said = page.get_by_role("status").filter(has_text="have an answer")
    expect(said).to_be_visible()
    return said.inner_text().partition(", in ")[0] + said.inner_text().partition(" s")[2]


def paste(page: Page, text: str) -> None:
    page.get_by_label("Or paste them").fill(text)
    page.get_by_role("button", name="Answer all rows").click()


def test_a_pasted_table_is_answered_and_each_refused_row_says_why(visits: Visits) -> None:
    with visits.visit("/every/#many") as page:
        paste(page, TABLE)

        assert answered(page) == "4 of 5 rows have an answer; 1 was refused."
        expect(page.get_by_text("A comma in a number was read as its decimal point.")).to_be_visible()
        rows = page.get_by_role("table", name="Answers").get_by_role("row")
        expect(rows.nth(1)).to_contain_text(" EUR")
        expect(rows.nth(2)).to_contain_text(" EUR")
        expect(rows.nth(3)).to_contain_text("was not in the training data")
        expect(rows.nth(4)).to_contain_text("it has 2 cells, and the header has 5")
        expect(page.get_by_text("Not used by the model: a;b.")).to_be_visible()
        expect(page.get_by_text("Missing in every row: lift, heating, seen, notes.")).to_be_visible()
        page.get_by_label("Only rows with remarks").check()
        expect(rows).to_have_count(4)  # one is outside the training range
        assert violations(page) == []


def test_a_file_is_answered_in_parts_and_its_answers_are_downloaded(visits: Visits, tmp_path: Path) -> None:
    """A request of this service holds seven rows."""
    lines = [f"{30 + row},{'x' if row == 40 else 1 + row % 9},City {row:03},2001-05-05" for row in range(100)]
    table = tmp_path / "flats.csv"
    table.write_text("\n".join(["size,rooms,city,built", *lines]), encoding="utf-8")

    with visits.visit("/small/#many", width=390) as page:
        page.get_by_label("A file with a header line").set_input_files(table)
        assert answered(page) == "99 of 100 rows have an answer; 1 was refused."
        with page.expect_download() as download:
            page.get_by_role("button", name="Download answers").click()
        download.value.save_as(tmp_path / "answers.csv")

    answers = ["prediction", "prediction_low", "prediction_high"]
    with (tmp_path / "answers.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["size", "rooms", "city", "built", *answers, "problem"]
    assert [place for place, row in enumerate(rows) if not row["prediction"]] == [40]
    assert rows[40]["problem"].startswith("rooms: expected an integer")
    value, low, high = (float(rows[0][name]) for name in answers)
    assert low < value < high


def test_a_dropped_file_is_read_in_the_encoding_of_a_spreadsheet(visits: Visits) -> None:
    with visits.visit("/sets/#many") as page:
        expect(page.get_by_role("button", name="Answer all rows")).to_be_visible()
        page.evaluate(
            """() => {
            const text = 'measure_000\\tmeasure_001\\tStra\\xdfe\\r\\n1\\t2\\t\\xfc\\r\\n'
            const bytes = new Uint8Array([...text].map(sign => sign.charCodeAt(0)))
            const dataTransfer = new DataTransfer()
            dataTransfer.items.add(new File([bytes], 'rows.tsv'))
            document.querySelector('.drop').dispatchEvent(new DragEvent('drop', { dataTransfer, cancelable: true }))
            }"""
        )

        assert answered(page) == "1 of 1 rows have an answer."
        expect(page.get_by_role("columnheader", name="Straße")).to_be_visible()
        page.get_by_role("button", name="Answer all rows").click()
        assert answered(page) == "1 of 1 rows have an answer."  # the file again: nothing was pasted


def test_a_table_without_a_column_that_is_needed_is_not_sent(visits: Visits) -> None:
    with visits.visit("/every/#many") as page:
        paste(page, "size,city\n1,Bonn\n")

        expect(page.get_by_text("Columns are missing: rooms, built. The header has: size, city")).to_be_visible()


def test_a_table_that_is_none_says_what_is_wrong(visits: Visits) -> None:
    with visits.visit("/every/#many") as page:
        paste(page, 'size,rooms\n1,"2\n')
        expect(page.get_by_text("This table cannot be read: a quote in line 2 has no end")).to_be_visible()
        paste(page, "size,rooms\n")
        expect(page.get_by_text("There is no row below a header line.")).to_be_visible()


def test_a_table_chosen_while_another_one_is_answered_takes_its_place(visits: Visits) -> None:
    def choose(page: Page, rows: int) -> None:
        table = b"measure_000,measure_001\n" + b"1,2\n" * rows
        chosen = {"name": "rows.csv", "mimeType": "text/csv", "buffer": table}
        page.get_by_label("A file with a header line").set_input_files(chosen)  # type: ignore[arg-type]

    with visits.visit("/sets/#many") as page:
        held: list[Route] = []
        page.route("**/predict", lambda route: route.continue_() if held else held.append(route))
        with page.expect_request("**/predict"):  # the one that is held: none is when this has not happened yet
            choose(page, 7)
        expect(page.get_by_role("button", name="Stop")).to_be_visible()
        choose(page, 3)

        assert answered(page) == "3 of 3 rows have an answer."
        expect(page.get_by_role("table", name="Answers").get_by_role("row")).to_have_count(4)
        held[0].abort()


def test_rows_that_were_answered_before_somebody_stops_are_kept(visits: Visits) -> None:
    with visits.visit("/small/#many") as page:
        sent: list[Route] = []

        def answer_once(route: Route) -> None:
            sent.append(route)
            if len(sent) == 1:
                route.continue_()

        page.route("**/predict", answer_once)
        paste(page, "size,rooms,city,built\n" + "50,3,City 001,2001-05-05\n" * 20)
        expect(page.get_by_text("7 of 20 rows")).to_be_visible()
        page.get_by_role("button", name="Stop").click()

        assert answered(page) == "7 of 20 rows have an answer; 13 were not asked. Stopped."
        expect(page.get_by_role("button", name="Download answers")).to_be_visible()
        for route in sent[1:]:
            route.abort()
