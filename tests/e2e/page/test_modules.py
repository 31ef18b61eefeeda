"""The modules that compute, by themselves: tables as text, forms, rows in parts, and the search for a change."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from inference.page_files import page as files
from skylift.contract import Target
from tests.support.browser import Visits
from tests.support.page_models import EVERY_KIND

FEATURES = {feature.name: feature.model_dump(mode="json", exclude_none=True) for feature in EVERY_KIND}


class Module:
    """Calls functions of the page's modules in a browser."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._digest = files()[1]["main.js"].digest

    def __call__(self, name: str, body: str, *arguments: object) -> Any:
        """What a function's body returns, with `m` for the module and `a` for the arguments."""
        source = f"async a => {{ const m = await import('./page/{self._digest}/{name}.js'); {body} }}"
        return self._page.evaluate(source, list(arguments))


@pytest.fixture
def call(visits: Visits) -> Iterator[Module]:
    with visits.visit("/one/") as page:
        yield Module(page)


def test_tables_as_text_are_read(call: Module) -> None:
    read = {
        "a,b\n1,2\n": [["a", "b"], ["1", "2"]],
        "a,b\r\n1,2": [["a", "b"], ["1", "2"]],
        "a;b\r1,5;2\r": [["a", "b"], ["1,5", "2"]],
        "a\tb\n1\t\n": [["a", "b"], ["1", ""]],
        "\ufeffa|b\n1|2": [["a", "b"], ["1", "2"]],
        'a,b\n"x, ""y""\nz",2\n': [["a", "b"], ['x, "y"\nz', "2"]],
        '"a;b",c\n1,2\n': [["a;b", "c"], ["1", "2"]],
        "a,b\n\n\n1,2\n\n": [["a", "b"], ["1", "2"]],
        'a,b\n"",""\n': [["a", "b"], ["", ""]],
        "a\nx\n": [["a"], ["x"]],
        "": [],
    }

    assert call("csv", "return a.map(text => m.parse(text))", *read) == [*read.values()]


def test_metrics_have_four_decimals_but_no_more_digits_than_anybody_reads(call: Module) -> None:
    written = {
        0: "0.0000",
        0.65: "0.6500",
        0.5777778: "0.5778",
        -0.1: "-0.1000",
        1: "1.0000",
        0.00012345678: "0.0001235",
        2.3e-17: "2.30e-17",
        12.34567: "12.3457",
        123.4567: "123.457",
        15234.125: "15,234.1",
        1234567.8: "1,234,568",
    }

    assert call("dom", "return a.map(m.metricText)", *written) == [*written.values()]


def test_what_is_written_is_read_again(call: Module) -> None:
    rows = [["a", "b"], ['x, "y"', "1\n2"], [" blank ", ""], ["ü", "-1.5"], ["=1+2", "'=x"], ["''@y", "'z"]]

    assert call("csv", "return m.parse(m.write(a))", *rows) == rows


def test_a_spreadsheet_computes_nothing_of_what_is_written(call: Module) -> None:
    formulas = ["=1+2", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3", "\t=1", "'=1"]
    others = ["-1.5", "+49 170", "-", "-5%", "-1e-7", "a=b", "'x"]
    written = call("csv", "return m.write(a.map(cell => [cell, 1])).split('\\r\\n')", *formulas, *others)

    assert [line.strip('"')[0] for line in written[: len(formulas)]] == ["'"] * len(formulas)
    assert [line.removesuffix(",1") for line in written[len(formulas) : -1]] == others


def test_files_of_spreadsheets_are_decoded(call: Module) -> None:
    text = "größe;ü\n"
    encoded = [list(text.encode(name)) for name in ("utf-8", "cp1252", "utf-16")]

    assert [
        one.lstrip("\ufeff") for one in call("csv", "return a.map(one => m.decoded(new Uint8Array(one)))", *encoded)
    ] == [text] * 3


def test_a_value_is_written_as_the_contract_wants_it(call: Module) -> None:
    values = [
        ("size", "1.50", 1.5),
        ("size", "12345678901234567890", 12345678901234567890),
        ("size", "1e3", 1000),
        ("rooms", "3", 3),
        ("lift", "true", True),
        ("lift", None, None),
        ("city", 'a"b', 'a"b'),
        ("built", "2004-05-15", "2004-05-15"),
        ("seen", "2021-05-15T10:00", "2021-05-15T10:00Z"),
        ("notes", "x\ny", "x\ny"),
    ]
    written = call(
        "contract",
        "return a.map(([feature, text]) => m.jsonOf(feature, text))",
        *[[FEATURES[name], text] for name, text, _ in values],
    )

    assert [json.loads(text) for text in written] == [value for *_, value in values]
    assert written[1] == "12345678901234567890"


def test_names_keep_their_order_and_their_spelling(call: Module) -> None:
    names = ["b", "2020", "10", "__proto__", 'quo"te', "constructor"]
    features = [FEATURES["size"] | {"name": name} for name in names]
    text = call("contract", "return m.instanceOf(a, new Map(a.map(feature => [feature.name, '1'])))", *features)

    assert json.loads(text, object_pairs_hook=lambda pairs: [name for name, _ in pairs]) == names


def test_a_date_is_shown_as_the_table_has_it(call: Module) -> None:
    forms = ["%d.%m.%Y", "%m/%d/%y %I:%M %p", "%d-%b-%Y", "%Y%m%d%H%M%S", "%s", "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z"]
    dates = [
        [FEATURES["built"] | {"form": form}, "2004-05-15T16:07:08"[: None if "M" in form else 10]] for form in forms
    ]
    dates[4][1] = "2004-05-15T16:07:08"

    assert call("contract", "return a.map(([feature, text]) => m.inTable(feature, text))", *dates) == [
        "15.05.2004",
        "05/15/04 04:07 PM",
        "15-May-2004",
        "20040515160708",
        "1084637228",
        None,
        None,
    ]


def test_a_slider_holds_the_training_range_in_decimal_steps(call: Module) -> None:
    ranges = [(0.1, 2.5), (20, 180), (-3, 3), (0, 1e-6), (1e6, 9e6)]
    sliders = call(
        "contract",
        "return a.map(([min, max]) => m.sliderOf({ kind: 'number', min, max }))",
        *[list(one) for one in ranges],
    )

    for (low, high), slider in zip(ranges, sliders, strict=True):
        assert slider["min"] <= low < high <= slider["max"]
        assert 50 <= (high - low) / slider["step"] <= 200
        assert f"{slider['step']:e}"[0] in "125"


def test_cells_are_sent_as_training_reads_them(call: Module) -> None:
    percent = FEATURES["size"] | {"numerals": {"decimal": ",", "unit": "%"}}
    cells = [
        (FEATURES["size"], "5.10", "5.1"),
        (FEATURES["size"], " ", "null"),
        (FEATURES["size"], "n/a", '"n/a"'),
        (FEATURES["size"], "0x10", '"0x10"'),
        (FEATURES["size"], "+.5", "0.5"),
        (FEATURES["size"], "1e999", '"1e999"'),
        (FEATURES["size"], "5,1", '"5,1"'),
        (percent, "5,1%", '"5,1%"'),
        (FEATURES["lift"], "True", "true"),
        (FEATURES["lift"], "yes", '"yes"'),
        (FEATURES["city"], "007", '"007"'),
    ]

    assert call(
        "bulk", "return a.map(([feature, cell]) => m.cellJson(feature, cell))", *[[one, cell] for one, cell, _ in cells]
    ) == [written for *_, written in cells]


def test_commas_are_decimal_points_where_they_are_nothing_else(call: Module) -> None:
    tables = {
        (("5,1", "1,234"), ("x,y", "7")): True,
        (("1,234", "200"),): False,
        (("5,1", "5.1"),): False,
        (("0,234",),): True,
    }
    columns = [FEATURES["size"], None]
    found = call(
        "bulk",
        "return a.map(([columns, cells]) => m.hasCommas(columns, cells.map(cell => [cell, '1,5'])))",
        *[[columns, [cell for row in rows for cell in row]] for rows in tables],
    )

    assert found == [*tables.values()]
    read = "return ['5,1', '1,234', '-,5', '7'].map(cell => m.cellJson(a[0], cell, true))"
    assert call("bulk", read, FEATURES["size"]) == ["5.1", "1.234", '"-,5"', "7"]


SERVICE = """
const asked = []
const refuse = (status, errors = []) => Object.assign(new Error('no'), { status, errors, retryAfter: null })
const send = async rows => {
  asked.push(rows.length)
  if (waits > 0) { waits -= 1; throw refuse(503) }
  if (rows.length > most) throw refuse(413)
  const wrong = rows.map((row, place) => row % 7 ? null : { pointer: `/instances/${place}/x`, message: 'is bad' })
  if (wrong.some(Boolean)) throw refuse(422, wrong.filter(Boolean).slice(0, 2))
  return { predictions: rows.map(row => row * 10), warnings: [{ instance: 0, message: 'hm' }] }
}
"""


def test_rows_that_are_refused_hold_up_no_other(call: Module) -> None:
    body = f"""let waits = 3, most = 5
    {SERVICE}
    const told = [], options = {{ size: 8, tell: done => told.push(done), wait: async () => {{}} }}
    return {{ ...await m.scoreAll(a, send, options), told }}"""
    found = call("bulk", body, *range(30))

    assert found["ended"] is None
    for row, result in enumerate(found["results"]):
        assert result.get("problem") == ("x: is bad" if row % 7 == 0 else None)
        assert result.get("prediction") == (None if row % 7 == 0 else row * 10)
    assert found["told"][-1] == 30
    assert found["told"] == sorted(found["told"])


def test_a_service_that_stays_away_ends_it_and_what_was_answered_is_kept(call: Module) -> None:
    body = f"""let waits = 0, most = 5
    {SERVICE}
    const tell = done => {{ waits = done === 6 ? 99 : waits }}
    const {{ results, ended }} = await m.scoreAll(a, send, {{ size: 3, tell, wait: async () => {{}} }})
    return [results.map(one => one.prediction ?? one.problem), ended.status, asked.length]"""

    assert call("bulk", body, *range(1, 9)) == [[10, 20, 30, 40, 50, 60, "not asked", "not asked"], 503, 2 + 6]


def test_answers_are_written_beside_their_rows(call: Module) -> None:
    target = Target(name="y", classes=(False, True)).model_dump(mode="json")
    results = [
        {"prediction": {"label": True, "probabilities": {"false": 0.25, "true": 0.75}}, "warnings": []},
        {"problem": "bad"},
    ]

    header, columns = ["prediction", "a", "b"], [None, FEATURES["size"], None]
    rows = [["old", "1", "x"], ["old", "2"]]

    assert call("bulk", "return m.answered(...a)", header, rows, results, target, columns) == [
        ["a", "b", "prediction", "probability_false", "probability_true", "problem"],
        ["1", "x", True, 0.25, 0.75, None],
        ["2", "", None, None, None, "bad"],
    ]


def test_a_threshold_says_why_the_label_is_not_the_most_probable_one(call: Module) -> None:
    target = Target(name="y", classes=("no", "yes"), threshold=0.3).model_dump(mode="json")
    prediction = {"label": "yes", "probabilities": {"no": 0.6, "yes": 0.4}}

    assert call("answer", "return m.details(...a)[0].textContent", prediction, target) == (
        "The answer is yes above 30.0%."
    )


def test_numbers_are_short_and_say_no_more_than_they_are(call: Module) -> None:
    numbers = [0, 0.00001234, 1.23456789, 123456.7, 3.2e30, -0.5]

    assert call("dom", "return a.map(m.shown)", *numbers) == ["0", "1.23e-5", "1.23457", "123,457", "3.20e+30", "-0.5"]
    seconds = [5, 119, 120, 7200, 864000]
    assert call("dom", "return a.map(m.duration)", *seconds) == ["5 s", "119 s", "2 minutes", "2 hours", "10 days"]
    amounts = [67.4, -2.59, 0.04]
    assert call("dom", "return a.map(m.decimals(a[0], 3))", *amounts) == ["67.4", "-2.6", "0.0"]
    assert call("dom", "return a.map(m.percent)", 0, 1e-9, 0.5, 1 - 1e-9, 1) == [
        "0.0%",
        "< 0.1%",
        "50.0%",
        "> 99.9%",
        "100.0%",
    ]


def test_the_smallest_change_is_found_to_a_hundredth_of_the_first_step(call: Module) -> None:
    """A value changes the answer from 7.318 on, upwards, and from 1.2 on, downwards: 5 is nearer to the first."""
    size = FEATURES["size"] | {"min": 0, "max": 10}
    body = """
    const values = new Map([['size', '5'], ['lift', 'true']])
    const size = row => Number(row.get('size'))
    const isOther = row => size(row) >= 7.318 || size(row) <= 1.2 || row.get('lift') === null
    const found = await m.smallestChanges(a, values, async rows => rows.map(isOther), Boolean)
    return found.map(({ feature, text, distance }) => [feature.name, text, distance])
    """

    changes = call("search", body, size, FEATURES["lift"])

    assert 7.318 <= float(changes[0][1]) <= 7.34
    assert changes[0][2] == pytest.approx((float(changes[0][1]) - 5) / 10)
    assert changes[1] == ["lift", None, 1]


def test_values_beyond_what_a_step_can_tell_apart_end_the_search(call: Module) -> None:
    ranges = [(1e15, 1e15 + 1), (10**18, 10**18 + 128), (1700000000123, 1700000000999)]
    features = [FEATURES["rooms"] | {"min": low, "max": high} for low, high in ranges]
    counts = call("contract", "return a.map(feature => m.others(feature, '1', 40, 250).length)", *features)

    assert max(counts) <= 41
    assert counts[2] > 10


def test_a_search_that_leaves_known_values_out_says_of_what(call: Module) -> None:
    names = "return m.triedInPart(a).map(feature => feature.name)"

    assert call("search", names, *FEATURES.values()) == ["city"]
    assert call("search", names, FEATURES["city"]) == []


def test_a_change_of_a_date_is_a_day_and_texts_are_left_alone(call: Module) -> None:
    body = """
    const values = new Map([['built', '2004-05-15'], ['notes', 'x']])
    const ask = async rows => rows.map(row => row.get('built') >= '2010-01-01')
    return (await m.smallestChanges(a, values, ask, Boolean)).map(({ feature, text }) => [feature.name, text])
    """
    ((name, day),) = call("search", body, FEATURES["built"], FEATURES["notes"] | {"required": True})

    assert name == "built"
    assert "2010-01-01" <= day <= "2010-01-12"


def test_code_is_quoted_for_its_language(call: Module) -> None:
    instance = json.dumps({"a": 'it\'s "true" null\u202e', "b": None, "c": True, "d": 1.5}, ensure_ascii=False)
    code = call(
        "copies", "return m.codeIn('Python', { address: 'http://x/predict', instance: a[0], token: false })", instance
    )
    line = next(line for line in code.splitlines() if line.startswith("instance = "))

    assert eval(line.removeprefix("instance = ")) == json.loads(instance)
    assert "\u202e" not in code  # which would show what follows in another order than it runs
