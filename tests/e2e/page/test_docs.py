"""The page at /docs in a real browser: a form of the contract, whatever its kinds."""

from playwright.sync_api import expect

from tests.support.browser import Visits


def test_each_kind_has_a_control_and_what_is_written_into_it_is_answered(visits: Visits) -> None:
    with visits.visit("/every/docs") as page:
        expect(page.locator("#f-built")).to_have_attribute("type", "date")
        expect(page.locator("#f-built")).to_have_value("2004-05-15")
        expect(page.locator("textarea#f-notes")).to_have_attribute("maxlength", "200")
        page.locator("#f-built").fill("1999-12-31")
        page.locator("#f-notes").fill("loud\nand bright")
        page.locator("#f-seen").fill("2021-06-01T08:30:00+02:00")
        expect(page.locator("#curl")).to_contain_text('"built": "1999-12-31"')

        page.get_by_role("button", name="Predict").click()

        expect(page.locator("#answer h3")).to_contain_text("EUR")


def test_a_wrong_date_is_refused_by_the_name_of_its_field(visits: Visits) -> None:
    with visits.visit("/every/docs") as page:
        page.locator("#f-seen").fill("2021-02-30T08:30:00Z")
        page.get_by_role("button", name="Predict").click()

        expect(page.locator("#answer")).to_contain_text("instances[0].seen")
