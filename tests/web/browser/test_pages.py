"""The page in a real browser: seen, read by a machine, and used by hand and keyboard."""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any, cast

import pytest
from playwright.sync_api import Route, expect
from starlette.exceptions import HTTPException

import teep
from teep.errors import RedisUnavailable
from teep.web import live
from tests.support.waiting import wait_until
from tests.web.browser.conftest import UNTIL_READ_AGAIN, Desk, resized, tabbed_to, timed
from tests.web.conftest import fill

pytestmark = pytest.mark.xdist_group("chromium")

AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "resultTypes": ["violations"],
    "selectors": False,  # of each element they take axe half its time, and its markup says enough
}
ENTRY = f"/retries/1000000.0-{0:024x}"
PAGES = [
    "/", "/retries", "/retries?q=clas:x", "/scheduled", "/dead", "/errors", ENTRY, f"{ENTRY}/edit", f"{ENTRY}/raw",
    "/search?q=nowhere", "/push",
]  # fmt: skip


@pytest.mark.slow("axe looks at each page in both themes and widths", seconds=12)
def test_every_page_is_accessible_and_keeps_to_its_policy(desk: Desk) -> None:
    inspect(desk, PAGES)


def inspect(desk: Desk, paths: Sequence[str]) -> None:
    """Have axe look at pages, light and wide, dark and narrow. One page of a browser serves for all of them."""
    page = desk.open()
    for path in paths:
        page.goto(desk.address + path)
        expect(page.locator("h1")).to_have_count(1)
        page.evaluate(AXE)
        for width, theme in ((1280, "light"), (320, "dark")):
            resized(page, width)
            page.emulate_media(color_scheme=cast("Any", theme), reduced_motion="reduce")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            found: Any = page.evaluate("(rules) => axe.run(document, rules)", RULES)
            wrong = [(rule["id"], rule["nodes"][0]["html"][:200]) for rule in found["violations"]]
            assert (path, theme, wrong) == (path, theme, [])


def test_the_dashboard_lives(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SECONDS", 0.2)
    page = desk.open("/")
    expect(page.locator("#past .uplot")).to_be_visible()
    desk.store.client.incrby("stat:processed", 1_000_000)
    expect(page.locator("#summary")).to_contain_text("2,234,567")
    expect(page.locator("#rates .uplot")).to_be_visible()


def test_the_page_lives_however_late_a_script_comes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SECONDS", 0.2)
    page, held = desk.open("/dead"), list[Route]()
    page.route("**/hx-sse*", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks its handlers
    page.goto(f"{desk.address}/queues", wait_until="commit")
    wait_until(lambda: page.evaluate("'htmx' in window") and held, 40, "all scripts but one")
    page.evaluate("new Promise((then) => setTimeout(then, 100))")  # htmx begins in a timer of its own
    held[0].continue_()
    desk.store.client.incrby("stat:processed", 1_000_000)
    expect(page.locator("#summary")).to_contain_text("2,234,567")


@pytest.mark.slow("it is asked for again after seven seconds")
def test_a_stream_that_did_not_begin_is_asked_for_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SECONDS", 0.2)
    asked, begin = list[Any](), live._before

    def away_at_first(request: Any) -> Any:
        asked.append(request)
        if len(asked) == 1:
            raise HTTPException(503)
        return begin(request)

    monkeypatch.setattr(live, "_before", away_at_first)
    page = desk.open("/queues")
    desk.store.client.incrby("stat:processed", 1_000_000)
    expect(page.locator("#summary")).to_contain_text("2,234,567")
    desk.problems.clear()  # a browser reports what failed


def test_it_comes_back_whole_with_redis(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(_: Any) -> Any:
        raise RedisUnavailable("gone")

    with monkeypatch.context() as patch:
        patch.setattr(teep.AsyncStats, "fetch_stats", away)
        page = desk.open("/queues")
        expect(page.locator("h1")).to_have_text("Redis cannot be reached")
    desk.problems.clear()  # a browser reports each 503
    page.evaluate("htmx.trigger(document.querySelector('#page'), 'teep:refresh')")
    expect(page.locator("#summary")).to_contain_text("1,234,567")
    expect(page.locator("h1")).to_have_text("Queues")


def test_a_chart_is_drawn_again_in_the_colours_of_the_theme(desk: Desk) -> None:
    page = desk.open("/")
    expect(page.locator("#past .uplot")).to_be_visible()
    expect(page.locator("#past .u-axis")).to_have_count(2)
    page.evaluate("window.first = document.querySelector('#past .uplot')")
    page.emulate_media(color_scheme="dark")
    wait_until(lambda: page.evaluate("!window.first.isConnected"), 40, "the chart to be drawn again")
    # 30 days, and none of the rows of the chart's own legend.
    expect(page.locator("#past .u-legend")).not_to_contain_text("NaN")
    expect(page.locator("#past .uplot")).to_be_visible()


def test_the_tab_that_one_is_at_is_seen_on_a_phone(desk: Desk) -> None:
    tab = desk.open("/profiles", width=390).locator('.top [aria-current="page"]')
    expect(tab).to_be_in_viewport()


def test_jobs_are_ticked_with_shift_and_deleted_after_a_question(desk: Desk) -> None:
    page = desk.open("/retries")
    boxes = page.locator('input[name="key"]')
    expect(page.locator("button[name=delete]").first).to_be_disabled()
    boxes.nth(1).click()
    boxes.nth(4).click(modifiers=["Shift"])
    expect(page.locator('[data-js="ticked"]')).to_have_text("4 ticked:")
    page.locator("button[name=delete]").click()
    expect(page.locator("dialog")).to_contain_text("Delete them for good?")
    page.keyboard.press("Escape")
    assert desk.store.client.zcard("retry") == 12
    page.locator("button[name=delete]").click()
    page.locator("dialog .is-danger").click()
    expect(page.locator("#flash")).to_contain_text("4 jobs are deleted.")
    assert desk.store.client.zcard("retry") == 8


def test_a_list_is_never_moved_under_a_selection(desk: Desk) -> None:
    page = timed(desk.open("/scheduled"))
    page.evaluate(
        "() => { window.marks = 0; document.addEventListener('teep:refresh', () => { window.marks += 1; }); }"
    )
    fill(desk.store, "schedule", 5)
    page.evaluate("htmx.trigger(document.querySelector('#page'), 'teep:refresh')")
    expect(page.locator('input[name="key"]')).to_have_count(5)
    page.locator('input[name="key"]').first.check()
    before = page.evaluate("window.marks")
    page.clock.run_for(UNTIL_READ_AGAIN)
    assert page.evaluate("window.marks") == before
    page.locator('input[name="key"]').first.uncheck()
    page.clock.run_for(UNTIL_READ_AGAIN)
    assert page.evaluate("window.marks") > before


def test_a_filter_is_completed_by_keys_alone(desk: Desk) -> None:
    page = desk.open("/retries")
    page.keyboard.press("/")
    page.keyboard.type("job_1")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#q")).to_have_value("class:app.job_1 ")
    page.keyboard.press("Enter")
    expect(page.locator('input[name="key"]')).to_have_count(4)


def test_a_key_that_does_something_can_be_switched_off(desk: Desk) -> None:
    page = desk.open("/retries")
    page.locator("select[name=keys]").select_option("off")
    expect(page.locator("html.has-js[data-keys=off]")).to_have_count(1)  # its script has run, too
    page.keyboard.press("/")
    expect(page.locator("#q")).not_to_be_focused()
    page.locator("select[name=keys]").select_option("on")
    expect(page.locator("html.has-js[data-keys=on]")).to_have_count(1)  # its script has run, too
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()


def test_a_job_is_retried_by_keys_alone(desk: Desk) -> None:
    page = desk.open(f"/dead/1000002.0-{2:024x}")
    tabbed_to(page, "button[name=retry]")
    page.keyboard.press("Enter")
    expect(page.locator("#flash")).to_contain_text("1 job goes to its queue.")


@pytest.mark.slow("the page asks every second how far five thousand jobs are")
def test_many_are_retried_by_typing_how_many_and_the_page_shows_how_far_it_is(desk: Desk) -> None:
    fill(desk.store, "retry", 5000)
    page = desk.open("/retries")
    page.locator("form.all button", has_text="Retry all").click()
    page.locator("input[name=confirm]").fill("5012")
    page.locator("form.confirm button").click()
    expect(page.locator("#bulk")).to_contain_text("5,012 jobs go to their queues.")
    assert desk.store.client.llen("queue:default") >= 5012


def test_it_works_without_javascript(desk: Desk) -> None:
    page = desk.open("/retries", java_script_enabled=False)
    page.locator('input[name="key"]').first.check()
    page.locator("button[name=kill]").click()
    expect(page.locator("#flash")).to_contain_text("1 job is dead.")
    page.locator("select[name=theme]").select_option("dark")
    page.locator("footer button").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_group_of_errors_is_retried_whole(desk: Desk) -> None:
    page = desk.open("/errors")
    row = page.locator("table.groups tr", has_text="app.job_1").first
    row.locator("button", has_text="Retry all").click()
    expect(page.locator("h1")).to_have_text("Retry 4 jobs now?")
    page.locator("form.confirm button").click()
    expect(page.locator("#flash")).to_contain_text("4 jobs go to their queues.")
    assert desk.store.client.zcard("retry") == 8


def test_a_job_is_found_and_its_arguments_changed_by_keys_alone(desk: Desk) -> None:
    page = desk.open("/errors")
    page.keyboard.press("/")
    page.keyboard.type(f"{5:024x}")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("app.job_2")
    page.locator("a", has_text="Edit arguments").focus()
    page.keyboard.press("Enter")
    page.locator("#args").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type('["other"]')
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#flash")).to_contain_text("the job goes to its queue")
    expect(page.locator(".json")).to_contain_text('"other"')


def test_live_can_be_paused(desk: Desk) -> None:
    page = desk.open("/")
    page.locator('[data-js="live"]').click()
    expect(page.locator('[data-js="live"]')).to_have_text("Paused")
    page.reload()
    expect(page.locator('[data-js="live"]')).to_have_attribute("aria-pressed", "false")
    wait_until(lambda: page.evaluate("document.readyState") == "complete", 40, "the page to be loaded")
