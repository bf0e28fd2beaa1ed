"""Periodic jobs and limits in a real browser, in both themes and widths, by keys alone and without JavaScript."""

import pytest
from playwright.sync_api import expect

import teep
from teep.config import overridden
from tests.web.browser.conftest import Desk, tabbed_to
from tests.web.browser.test_pages import inspect

pytestmark = pytest.mark.xdist_group("chromium")


@pytest.fixture
def entries(desk: Desk, config: teep.Config) -> teep.PeriodicSet:
    """Periodic jobs, one of which has run, and limits, one of which is paused and set to another value."""
    entries = teep.PeriodicSet(config=config)
    entries.create("nightly", "30 4 * * *", "app.reports.Nightly", 7, tz="Europe/Prague")
    entries.create("poll-7", "@every 10m", "Poll", {"deep": True})
    entries.pause("poll-7")
    entries.enqueue_now("nightly")
    for number, state in enumerate(("done", "dead", "missed", "overlap")):
        word = f"17{number:02}000000 1700000000 {state} 1700000100"
        desk.store.client.hset("teep:periodic:runs:nightly", f"{number:024x}", word)
    with overridden(config):
        for name in ("mails", "ships"):
            limit = teep.limits.bucket(name, 3, per="day")
            with limit.within_limit():
                limit.pause(3600)
            limit.set_limit(5)
            if name == "ships":
                limit.resume()
    return entries


PAGES = ("/periodic", "/periodic/nightly", "/periodic/nightly/edit", "/limits", "/limits/mails")


@pytest.mark.slow("axe looks at each page in both themes and widths", seconds=12)
def test_they_are_accessible_and_keep_to_their_policy(desk: Desk, entries: teep.PeriodicSet) -> None:
    inspect(desk, PAGES)


def test_a_periodic_job_is_deleted_by_keys_alone_after_a_question(desk: Desk, entries: teep.PeriodicSet) -> None:
    page = desk.open("/periodic/nightly")
    tabbed_to(page, 'button[name="delete"]')
    page.keyboard.press("Enter")
    expect(page.locator("dialog")).to_contain_text("Its history goes with it.")
    page.keyboard.press("Escape")
    assert entries.get("nightly") is not None
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#flash")).to_contain_text("nightly is deleted.")
    assert entries.get("nightly") is None


@pytest.mark.parametrize("scripts", [True, False])
def test_one_is_created_and_its_mistake_is_told(desk: Desk, entries: teep.PeriodicSet, scripts: bool) -> None:
    page = desk.open("/periodic", java_script_enabled=scripts)
    page.get_by_role("link", name="Create a periodic job").click()
    for label, text in (("Name", "weekly"), ("Schedule", "0 4 31 2 *"), ("Class", "Report")):
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("never fires")
    desk.problems.clear()  # a browser reports the 400
    page.get_by_label("Schedule", exact=True).fill("0 4 * * 1")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("h1")).to_contain_text("weekly")
    assert entries.get("weekly") is not None


def test_a_limit_is_set_and_resumed(desk: Desk, entries: teep.PeriodicSet, config: teep.Config) -> None:
    page = desk.open("/limits")
    page.get_by_role("link", name="mails").click()
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#flash")).to_contain_text("mails lets jobs through again.")
    page.get_by_label("New limit").fill("9")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.locator("#flash")).to_contain_text("The limit mails is 9 now.")
    mails = teep.LimiterSet(config=config).get("mails")
    assert mails is not None
    assert (mails.read.limit, mails.read.paused_until) == (9, None)
