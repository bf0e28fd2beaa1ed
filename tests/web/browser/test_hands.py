"""A page that is read again moves nothing under the hands of its visitor, and loses nothing of theirs."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

import teep
from tests.support.waiting import wait_until
from tests.web.browser.conftest import Desk
from tests.web.browser.test_fleet import staffed
from tests.web.conftest import payload

pytestmark = pytest.mark.xdist_group("chromium")

_ENDS = """() => { window.ended = 0; document.addEventListener('htmx:finally:request', ({detail}) => {
    if (detail.ctx?.sourceElement?.id === 'page') window.ended += 1; }); }"""
_REFRESH = "htmx.trigger(document.querySelector('#page'), 'teep:refresh')"


def refreshed(page: Page) -> None:
    """Have the page read again, and wait until it is."""
    page.evaluate(_ENDS)
    page.evaluate(_REFRESH)
    wait_until(lambda: page.evaluate("window.ended") >= 1, 20, "the page to be read again")


@pytest.mark.parametrize("path", ["/retries", "/queues/default"])
def test_an_answer_that_comes_after_a_tick_is_dropped(desk: Desk, path: str) -> None:
    page = staffed(desk).open(path)
    held: list[Route] = []
    page.route(f"**{path}", lambda route: held.append(route))  # noqa: PLW0108 - it marks its handlers
    page.evaluate(_ENDS)
    page.evaluate(_REFRESH)
    wait_until(lambda: page.evaluate("1") and held, 20, "the page to ask")
    box = page.locator('input[name="key"]').nth(1)
    chosen = box.get_attribute("value")
    box.check()
    desk.store.client.zpopmin("retry", 6)
    desk.store.client.rpop("queue:default", 6)
    held[0].continue_()
    wait_until(lambda: page.evaluate("window.ended") == 1, 20, "the answer to be there")
    ticked = page.locator('input[name="key"]:checked')
    expect(ticked).to_have_count(1)
    assert ticked.get_attribute("value") == chosen
    assert page.locator('input[name="key"]').nth(1).get_attribute("value") == chosen
    # As soon as the hands are off, it is read again.
    ticked.uncheck()
    page.unroute(f"**{path}")
    refreshed(page)
    assert page.locator('input[name="key"]').nth(1).get_attribute("value") != chosen


def test_a_running_job_keeps_its_row(desk: Desk) -> None:
    page = staffed(desk).open("/busy?only=jobs")
    page.evaluate("window.row = document.querySelector('tr[id^=run-]:has(.jid)'); window.jid = row.innerText")
    desk.store.client.hdel("ruby.1:7:cccc:work", "t0")
    desk.store.client.hdel("web.1:11:aaaa:work", "t3", "t1")
    refreshed(page)
    same: Any = page.evaluate(
        "!row.isConnected || row.querySelector('.jid').textContent === jid.match(/[0-9a-f]{24}/)[0]"
    )
    assert same
    assert page.locator("tr[id^=run-]").count() == 2


def test_what_was_opened_stays_open(desk: Desk) -> None:
    page = desk.open("/")
    page.locator("#past-details summary").click()
    refreshed(page)
    expect(page.locator("#past-details")).to_have_attribute("open", "")


def test_a_filter_is_completed_after_the_page_was_read_again_too(desk: Desk) -> None:
    page = desk.open("/retries")
    desk.store.client.zadd("retry", {payload(1, **{"class": "app.other"}): 1})
    refreshed(page)
    page.locator("#q").focus()
    page.keyboard.type("other")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#q")).to_have_value("class:app.other ")
    expect(page.locator("#q")).to_have_attribute("role", "combobox")


def test_the_history_is_drawn_again_with_the_page(desk: Desk) -> None:
    page = desk.open("/")
    expect(page.locator("#past .uplot")).to_be_visible()
    drawn = "document.querySelector('#past canvas').toDataURL()"
    before = page.evaluate(drawn)
    desk.store.client.incrby(f"stat:processed:{datetime.now(UTC).date()}", 4_000)
    refreshed(page)
    wait_until(lambda: page.evaluate(drawn) != before, 20, "the chart to be drawn again")


def test_a_question_can_be_refused_by_name_and_is_asked_again(desk: Desk) -> None:
    page = staffed(desk).open("/busy?only=processes")
    stop = page.locator('[aria-label="Stop ruby.1:7"]')
    stop.click()
    page.get_by_role("button", name="No", exact=True).click()
    page.evaluate(
        "() => { window.sent = 0; document.addEventListener('submit', (event) => {"
        " window.sent += !event.defaultPrevented; event.preventDefault(); }); }"
    )
    for _ in range(2):
        stop.click()
        expect(page.locator("dialog")).to_contain_text("Stop this process?")
        page.locator("dialog .is-danger").click()
        page.evaluate("Date.now = () => 1e15")  # not a second click on the same button
    assert page.evaluate("window.sent") == 2


def test_a_second_click_pushes_no_second_job(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    push = teep.AsyncClient.push

    async def slowly(client: teep.AsyncClient, item: Any) -> Any:
        await asyncio.sleep(0.4)
        return await push(client, item)

    monkeypatch.setattr(teep.AsyncClient, "push", slowly)
    page = desk.open("/push")
    page.locator("#class").fill("app.once")
    page.locator("form.edit button").evaluate("(it) => { it.click(); setTimeout(() => it.click(), 50); }")
    expect(page.locator("#flash")).to_contain_text("is pushed.")
    assert desk.store.client.llen("queue:default") == 2


def test_a_browser_that_keeps_nothing_has_all_the_rest(desk: Desk) -> None:
    page = desk.open("/")
    page.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new Error('no'); }})")
    page.goto(f"{desk.address}/retries")
    expect(page.locator("button[name=delete]").first).to_be_disabled()
    page.locator('[data-js="live"]').click()
    expect(page.locator('[data-js="live"]')).to_have_text("Paused")
