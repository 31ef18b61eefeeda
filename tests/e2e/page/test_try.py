"""The tab Try: the form of any contract, answers while it is moved, and what stands beside them."""

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.browser import Visits, violations
from tests.support.waiting import TIMES_OUT, wait_until

if TYPE_CHECKING:
    from tests.support.browser import Scheme

SAID = ".said"


def settle(page: Page, field: str, value: str | None) -> None:
    """Wait until nobody moves anything, and the answer is that of a value."""
    at_rest = "([field, value]) => history.state?.values.get(field) === value"
    wait_until(lambda: page.evaluate(at_rest, [field, value]) is True, what=f"the answer for {field} = {value}")


def answer(page: Page) -> str:
    """The answer in words, once there is one."""
    expect(page.locator(SAID)).not_to_have_text("...")
    return page.locator(SAID).inner_text()


@pytest.mark.parametrize(
    ("contract", "width", "scheme"),
    [
        *((contract, 390, "light") for contract in ("one", "four", "forty", "many", "every")),
        *((contract, 1280, "dark") for contract in ("one", "four", "forty", "many", "every")),
        ("every", 390, "dark"),
        ("every", 1280, "light"),
    ],
)
def test_the_form_of_a_contract_is_accessible_and_fits(
    visits: Visits, contract: str, width: int, scheme: "Scheme"
) -> None:
    with visits.visit(f"/{contract}/", width=width, scheme=scheme) as page:
        answer(page)

        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == []


def test_names_of_any_length_and_kind_are_text_that_fits(visits: Visits) -> None:
    with visits.visit("/odd/", width=390) as page:
        answer(page)
        page.get_by_role("button", name="Keep this row to compare").click()
        page.get_by_label("=1+2", exact=True).fill("1")
        table = page.get_by_role("table", name="Two rows side by side")
        expect(table.get_by_role("row").nth(2)).to_have_text("=1+251")

        assert page.evaluate("document.documentElement.scrollWidth") == 390
        page.goto(f"{visits.address}/odd/docs")
        expect(page.get_by_role("button", name="Predict")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_the_outline_of_the_focus_is_inside_of_what_a_field_draws(visits: Visits) -> None:
    with visits.visit("/one/") as page:
        answer(page)
        room = page.evaluate(
            """() => {
            const box = document.querySelector('.field [type=number]'), style = getComputedStyle(box)
            box.focus()
            return box.closest('.field').getBoundingClientRect().right - box.getBoundingClientRect().right
              - parseFloat(style.outlineWidth) - parseFloat(style.outlineOffset)
            }"""
        )

        assert room >= 0


@pytest.mark.parametrize(("contract", "fields"), [("one", 1), ("four", 4), ("forty", 40), ("many", 400), ("every", 8)])
def test_each_feature_has_a_field_that_is_labelled(visits: Visits, contract: str, fields: int) -> None:
    with visits.visit(f"/{contract}/") as page:
        answer(page)

        assert page.locator(".field").count() == fields
        controls = page.locator(".field :is(input, select, textarea)")
        assert controls.evaluate_all("all => all.filter(one => !one.labels.length && !one.ariaLabel).length") == 0


def test_the_answer_follows_a_slider_and_the_older_request_is_given_up(visits: Visits) -> None:
    with visits.visit("/four/") as page:
        first = answer(page)
        page.get_by_role("slider").first.focus()
        for _ in range(20):
            page.keyboard.press("PageUp")

        expect(page.locator(SAID)).not_to_have_text(first)
        expect(page.get_by_role("spinbutton").first).to_have_value("10")


def test_values_stay_when_the_page_is_loaded_again_and_are_stored_nowhere(visits: Visits) -> None:
    with visits.visit("/every/") as page:
        answer(page)
        page.get_by_label("size", exact=True).fill("77.5")
        page.get_by_role("checkbox", name="missing: notes").check()
        settle(page, "notes", None)
        said = answer(page)
        page.get_by_role("tab", name="Many").click()
        page.reload()
        page.get_by_role("tab", name="Try").click()

        expect(page.get_by_label("size", exact=True)).to_have_value("77.5")
        expect(page.locator("#code")).to_contain_text('"notes": null')
        expect(page.locator(SAID)).to_have_text(said)
        assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]


def test_probabilities_are_bars_and_thirty_of_them_stay_in_order(visits: Visits) -> None:
    with visits.visit("/many/") as page:
        label = answer(page).split(",")[0]
        page.get_by_text("20 less likely").click()
        shares = page.locator(".track:not(.both) > span").evaluate_all(
            "bars => bars.map(bar => parseFloat(bar.style.width))"
        )

        assert page.locator(".bars li").first.inner_text().startswith(label)
        assert len(shares) == 30
        assert shares == sorted(shares, reverse=True)


@pytest.mark.parametrize(("contract", "fields"), [("four", 4), ("every", 8), ("many", 10)])
def test_the_reasons_of_an_answer_are_told(visits: Visits, contract: str, fields: int) -> None:
    with visits.visit(f"/{contract}/") as page:
        answer(page)
        why = page.get_by_role("region", name="Why this answer")

        expect(why.locator(".bars li")).to_have_count(fields)
        expect(why).to_contain_text("390 others together" if contract == "many" else "Each value moves it by")
        assert violations(page) == []


def test_a_version_without_reasons_tells_none(visits: Visits) -> None:
    with visits.visit("/older/") as page:
        answer(page)
        expect(page.get_by_role("status").filter(has_text="species: ")).to_be_attached()

        assert page.get_by_role("heading", name="Why this answer").count() == 0


def test_what_somebody_tries_is_not_traffic(visits: Visits) -> None:
    with visits.visit("/four/") as page:
        answer(page)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.get_by_label("measure_000", exact=True).fill("9")
        page.get_by_role("button", name="Search").click()
        expect(page.get_by_text("fields can do it alone")).to_be_visible()

        assert asked
        assert all("unwatched=true" in url for url in asked)


def test_a_value_has_its_unit_and_its_interval(visits: Visits) -> None:
    with visits.visit("/every/") as page:
        assert re.fullmatch(r"-?[\d,.]+ EUR", answer(page))
        expect(page.locator(".interval")).to_contain_text("where the true value is 90% of the time")


def test_a_prediction_set_is_told_where_the_version_makes_one(visits: Visits) -> None:
    with visits.visit("/sets/") as page:
        answer(page)

        expect(page.locator(".set")).to_contain_text("With 90% confidence one of: class ")


def test_a_warning_stands_at_its_field(visits: Visits) -> None:
    with visits.visit("/every/") as page:
        answer(page)
        page.get_by_label("size", exact=True).fill("5000")
        page.get_by_label("city").fill("City 0070")

        expect(page.locator("#field-0-note")).to_contain_text("outside the training range")
        expect(page.locator("#field-4-note")).to_contain_text("was not in the training data")


def test_what_is_refused_stands_at_its_field(visits: Visits) -> None:
    with visits.visit("/every/") as page:
        answer(page)
        page.get_by_label("rooms", exact=True).fill("2.5")

        expect(page.locator("#field-1-note")).to_contain_text("expected an integer")
        assert page.get_by_label("rooms", exact=True).get_attribute("aria-invalid") == "true"
        assert violations(page) == []
        page.get_by_label("rooms", exact=True).fill("2")
        expect(page.locator("#field-1-note")).to_be_hidden()


def test_a_field_without_a_value_asks_for_one_and_nothing_is_sent(visits: Visits) -> None:
    with visits.visit("/every/") as page:
        answer(page)
        page.get_by_label("size", exact=True).fill("")

        expect(page.locator(SAID)).to_have_text("1 field needs a value")
        expect(page.locator("#field-0-note")).to_have_text("A value is needed.")


def test_missing_is_a_choice_where_training_saw_it(visits: Visits) -> None:
    with visits.visit("/every/") as page:
        answer(page)
        page.get_by_label("lift").select_option("(missing)")
        page.get_by_role("checkbox", name="missing: notes").check()

        expect(page.locator("#code")).to_contain_text('"lift": null, "heating": "gas"')
        expect(page.locator("#code")).to_contain_text('"notes": null')
        assert page.get_by_role("checkbox").count() == 2
        assert page.get_by_label("notes", exact=True).is_disabled()


def test_a_date_says_how_the_table_writes_it(visits: Visits) -> None:
    with visits.visit("/every/") as page:
        expect(page.locator("#field-5-hint")).to_contain_text("date, in the table as 15.05.2004")


def test_a_category_of_five_hundred_values_is_filtered_as_one_types(visits: Visits) -> None:
    with visits.visit("/every/") as page:
        answer(page)
        city = page.get_by_label("city")

        assert page.evaluate("document.getElementById('field-4').list.options.length") == 500
        city.fill("City 499")
        expect(page.locator("#code")).to_contain_text('"city": "City 499"')


def test_among_four_hundred_fields_one_is_found_and_the_form_stays_fast(visits: Visits) -> None:
    with visits.visit("/many/") as page:
        answer(page)
        page.get_by_label("Find a field").fill("measure_321")

        expect(page.get_by_text("1 of 400 fields")).to_be_visible()
        expect(page.get_by_label("measure_321", exact=True)).to_be_visible()
        assert page.locator(".field:visible").count() == 1
        page.get_by_label("measure_321", exact=True).fill("99")
        expect(page.locator("#field-321-note")).to_contain_text("outside the training range")
        page.get_by_label("Find a field").fill("")
        expect(page.get_by_text("313 to 336: measure_312 to measure_335 (1 with remarks)")).to_be_visible()
        page.get_by_text("25 to 48").click()
        page.get_by_label("measure_030", exact=True).fill("")
        expect(page.get_by_text("25 to 48: measure_024 to measure_047 (1 with remarks)")).to_be_visible()


def test_the_smallest_change_of_one_field_is_found_and_tried(visits: Visits) -> None:
    with visits.visit("/four/") as page:
        label = answer(page).split(",")[0]
        page.get_by_role("button", name="Search").click()
        expect(page.get_by_text("fields can do it alone")).to_be_visible()
        page.get_by_role("button", name=re.compile("^Try it")).first.click()

        expect(page.locator(SAID)).not_to_contain_text(label)


def test_two_rows_stand_side_by_side(visits: Visits) -> None:
    with visits.visit("/four/") as page:
        before = answer(page)
        page.get_by_role("button", name="Keep this row to compare").click()
        page.get_by_label("measure_000", exact=True).fill("9")
        table = page.get_by_role("table", name="Two rows side by side")

        expect(table.get_by_role("row").nth(2)).to_have_text("measure_00059")
        expect(table.get_by_role("row").nth(1)).to_contain_text(before)
        assert violations(page) == []
        page.get_by_role("button", name="Back to the kept row").click()
        expect(page.locator(SAID)).to_have_text(before)


@pytest.mark.parametrize("language", ["curl", "Python", "JavaScript"])
def test_the_code_that_is_copied_runs(visits: Visits, language: str) -> None:
    with visits.visit("/every/", permissions=["clipboard-read", "clipboard-write"]) as page:
        answer(page)
        notes = "it's \"5 o'clock\": true, null\nür 日本 $HOME `x` \\"
        page.get_by_label("notes", exact=True).fill(notes)
        settle(page, "notes", notes)
        expect(page.locator("#code")).to_contain_text("日本")
        page.get_by_label("Language").select_option(language)
        page.get_by_role("button", name="Copy").click()
        expect(page.get_by_text("Copied")).to_be_visible()
        code = page.evaluate("navigator.clipboard.readText()")
        said = answer(page)
        if language == "JavaScript":
            caught = (
                f"let said; const console = {{ log: text => {{ said = text }} }}; {code}; return JSON.stringify(said)"
            )
            printed = page.evaluate(f"(async () => {{ {caught} }})()")
        else:
            command = ["sh", "-c", code] if language == "curl" else [sys.executable, "-c", code]
            printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=TIMES_OUT).stdout

    value = (
        json.loads(printed)["predictions"][0]["value"]
        if language == "curl"
        else float(re.findall(r"value\W+([\d.e-]+)", printed)[0])
    )
    assert said == f"{value:.6g} EUR"


@pytest.mark.parametrize("away", ["aborted", 429, 503])
def test_an_answer_comes_by_itself_when_the_service_is_back(visits: Visits, away: str | int) -> None:
    with visits.visit(None) as page:
        refused: list[Route] = []

        def refuse(route: Route) -> None:
            refused.append(route)
            if len(refused) > 1:
                route.continue_()
            elif isinstance(away, str):
                route.abort("connectionrefused")
            else:
                route.fulfill(status=away, json={"message": "Too busy"}, headers={"retry-after": "1"})

        page.route("**/predict?*", refuse)
        page.goto(f"{visits.address}/four/")
        expect(page.locator(SAID)).to_contain_text("The service did not answer" if away == "aborted" else "Too busy")
        expect(page.locator(SAID)).to_contain_text("%")
        visits.complaints.clear()  # Chromium names a connection that failed


FOCUSED = """() => {
  const one = document.activeElement
  return [one.ariaLabel ?? one.labels?.[0]?.textContent ?? one.textContent.trim(), getComputedStyle(one).outlineStyle]
}"""


def test_everything_is_reached_and_seen_by_keyboard_alone(visits: Visits) -> None:
    with visits.visit("/one/") as page:
        before = answer(page)
        places: dict[str, str] = {}
        while "Copy" not in places:
            page.keyboard.press("Tab")
            name, outline = page.evaluate(FOCUSED)
            assert name not in places
            places[name] = outline
            if name == "measure_000, slider":
                page.keyboard.press("End")
                expect(page.locator(SAID)).not_to_have_text(before)

        wanted = ["Try", "measure_000, slider", "measure_000", "Keep this row to compare", "Search", "Language", "Copy"]
        assert [name for name in places if name in wanted] == wanted
        assert {*places.values()} == {"solid"}


def test_who_listens_hears_the_answer_once_nobody_moves_anything(visits: Visits) -> None:
    with visits.visit("/four/") as page:
        said = answer(page)

        expect(page.get_by_role("status").filter(has_text="species: ")).to_have_text(f"species: {said}.")


def test_nothing_moves_for_who_asks_for_it(visits: Visits) -> None:
    with visits.visit("/four/", reduced_motion="reduce") as page:
        answer(page)

        assert page.evaluate("getComputedStyle(document.querySelector('.track > span')).transitionDuration") == "0s"
