"""The tabs, the tabs Model and Watch, and what the page says where the API asks who calls."""

import os
import re
import subprocess
import sys
import threading

import pytest
from botocore.credentials import Credentials
from playwright.sync_api import Route, expect

from tests.e2e.page.conftest import TOKEN
from tests.support.browser import Scheme, Visits, violations
from tests.support.waiting import TIMES_OUT
from training.cli.signing_proxy import SignedApi, SigningProxy

LAST_READ = re.compile("drift-status$")


@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1280)])
@pytest.mark.parametrize("tab", ["many", "model", "watch"])
def test_a_tab_is_accessible_and_fits(visits: Visits, tab: str, scheme: Scheme, width: int) -> None:
    with visits.visit(f"/drifting/#{tab}", scheme=scheme, width=width) as page:
        expect(page.locator(f"#{tab} .card").first).to_be_visible()
        page.wait_for_load_state("networkidle")

        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == []


def test_tabs_are_moved_through_by_arrow_keys_and_have_addresses(visits: Visits) -> None:
    with visits.visit("/four/") as page:
        page.get_by_role("tab", name="Try").focus()
        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("tab", name="Many")).to_be_focused()
        expect(page.get_by_role("tabpanel", name="Many")).to_be_visible()
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")

        expect(page.get_by_role("tab", name="Watch")).to_have_attribute("aria-selected", "true")
        expect(page.get_by_role("tabpanel")).to_have_count(1)
        assert page.url.endswith("/four/#watch")


def test_the_model_is_told_with_its_metrics_and_its_card(visits: Visits) -> None:
    with visits.visit("/four/#model") as page:
        expect(page.get_by_text(re.compile("v1@sha256:[0-9a-f]{64}"))).to_be_visible()
        expect(page.get_by_role("table", name="Metrics").get_by_role("row").nth(1)).to_contain_text("accuracy0.9700")
        expect(page.get_by_role("link", name="Model card")).to_have_attribute("href", "model-card")
        expect(page.get_by_text("skylift history")).to_be_visible()


def test_of_a_model_that_was_trained_elsewhere_no_more_is_said_than_is_known(visits: Visits) -> None:
    def adopt(route: Route) -> None:
        response = route.fetch()
        document = response.json()
        document["lineage"]["adopted"] = {"file": "churn.joblib"}
        route.fulfill(response=response, json=document)

    with visits.visit(None) as page:
        page.route("**/model-info", adopt)
        page.goto(f"{visits.address}/four/#model")
        expect(page.get_by_text("churn.joblib")).to_be_visible()
        expect(page.get_by_text("On rows that the model may have been trained on")).to_be_visible()
        expect(page.locator("#facts")).to_contain_text("on rows that it may have been trained on")
        expect(page.get_by_role("heading", name="Candidates")).to_have_count(0)


def test_versions_and_who_made_them_active_are_told_where_the_service_knows(visits: Visits) -> None:
    with visits.visit("/moved/#model", width=390) as page:
        expect(page.get_by_text("v30, v29, v28")).to_contain_text("v11 and 10 older.")
        row = page.get_by_role("table", name="Moves of the pointer").get_by_role("row").nth(1)
        expect(row).to_contain_text("nonev1user/annpromotion, skylift promote")
        assert violations(page) == []


def test_drift_and_the_state_of_the_service_are_watched(visits: Visits) -> None:
    with visits.visit("/drifting/#watch") as page:
        expect(page.locator("#watch").get_by_text("ok", exact=True)).to_be_visible()
        expect(page.locator("#watch").get_by_text("drift", exact=True).first).to_be_visible()
        expect(page.get_by_role("table", name="What moved")).to_contain_text("petal_length")
        expect(page.get_by_text("No version is on trial.")).to_be_visible()


def test_of_too_few_rows_nothing_is_said_to_have_stayed(visits: Visits) -> None:
    with visits.visit("/quiet/#watch") as page:
        expect(page.get_by_text("These are too few rows to say whether anything moved.")).to_be_visible()


def test_what_is_watched_is_read_again_only_while_somebody_looks(visits: Visits) -> None:
    with visits.visit(None) as page:
        page.clock.install()
        page.goto(f"{visits.address}/four/#watch")
        expect(page.get_by_text("Read at")).to_be_visible()
        with page.expect_response(LAST_READ):
            page.clock.run_for(15_100)
        page.get_by_role("tab", name="Model").click()
        expect(page.get_by_text("This service does not tell.")).to_be_visible()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
        page.clock.run_for(60_000)
        with page.expect_response(LAST_READ):
            page.get_by_role("tab", name="Watch").click()

        assert asked == ["health", "drift-status"]


def test_without_a_report_the_monitor_is_named(visits: Visits) -> None:
    with visits.visit("/four/#watch") as page:
        expect(page.get_by_text("the monitor has written no report yet")).to_be_visible()


def test_a_token_is_asked_for_used_and_forgotten(visits: Visits) -> None:
    with visits.visit("/tokens/") as page:
        expect(page.get_by_role("heading", name="This API asks for a token")).to_be_visible()
        assert violations(page) == []
        page.get_by_label("Token").fill("wrong")
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_role("heading", name="This API asks for a token")).to_be_visible()
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Go on").click()

        expect(page.locator(".said")).to_contain_text("%")
        expect(page.locator("#code")).to_contain_text('-H "authorization: Bearer $TOKEN"')
        expect(page.get_by_role("link")).to_have_count(0)
        assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
        page.reload()
        expect(page.get_by_role("heading", name="This API asks for a token")).to_be_visible()


def test_a_token_that_has_expired_is_asked_for_again_and_the_form_keeps_its_values(visits: Visits) -> None:
    with visits.visit("/tokens/") as page:
        token, go_on = page.get_by_label("Token"), page.get_by_role("button", name="Go on")
        token.fill(TOKEN)
        go_on.click()
        expect(page.locator(".said")).to_contain_text("%")
        page.route("**/predict?*", lambda route: route.fulfill(status=401, json={"message": "Unauthorized"}))
        page.get_by_label("measure_000", exact=True).fill("9")
        expect(token).to_be_focused()
        expect(page.locator(".said")).to_have_text("Unauthorized")
        page.unroute("**/predict?*")
        token.fill(TOKEN)
        go_on.click()

        expect(page.locator(".said")).to_contain_text("%")
        expect(token).to_be_hidden()
        expect(page.locator("#code")).to_contain_text('"measure_000": 9')


def test_where_requests_are_signed_the_command_that_signs_is_named(visits: Visits) -> None:
    with visits.visit("/signatures/") as page:
        expect(page.get_by_text("skylift page --stack NAME")).to_be_visible()


@pytest.mark.parametrize("language", ["curl", "Python"])
def test_skylift_page_signs_and_so_does_the_code_that_is_copied(visits: Visits, language: str) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "session"}
    api = SignedApi(f"{visits.address}/signatures", "eu-central-1", Credentials(*keys.values()))
    with SigningProxy(api, 0) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.05,))
        thread.start()
        own = Visits(visits.browser, proxy.address)
        try:
            with own.visit("") as page:
                expect(page.locator(".said")).to_contain_text("%")
                expect(page.locator("#signed")).to_contain_text(f"signs the requests of this page to {api.url}")
                page.get_by_label("Language").select_option(language)
                said, code = page.locator(".said").inner_text(), page.locator("#code").inner_text()
        finally:
            proxy.shutdown()
            thread.join()
    command = ["sh", "-c", code] if language == "curl" else [sys.executable, "-c", code]
    printed = subprocess.run(
        command, env=os.environ | keys, capture_output=True, text=True, check=True, timeout=TIMES_OUT
    )

    assert own.complaints == []
    assert said.partition(",")[0] in printed.stdout
