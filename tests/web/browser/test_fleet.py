"""Busy, Queues, one queue and the emergency box in a real browser."""

import pytest
from playwright.sync_api import expect

from tests.web.browser.conftest import Desk, tabbed_to
from tests.web.browser.test_pages import inspect
from tests.web.conftest import payload
from tests.web.fleet.fleet import RUBY, beat, capsule

pytestmark = pytest.mark.xdist_group("chromium")

PAGES = ["/busy", "/queues", "/queues/default", "/emergency"]


def staffed(desk: Desk) -> Desk:
    """Bring processes of teep and of Sidekiq, with jobs that run, and one queue with some that wait."""
    capsules = {
        "default": capsule("default", "high"),
        "slow": capsule("low", concurrency=2, mode="weighted", weight=3),
    }
    work = [{"class": f"shop.jobs.job_{n}", "args": [n, "x" * 30], "tags": ["eu"]} for n in range(4)]
    beat(desk.store, "web.1:11:aaaa", work, info={"capsules": capsules, "labels": ["blue"]}, rss=212_000)
    beat(desk.store, "web.2:12:bbbb", info={"capsules": capsules, "version": "teep 0.9"}, quiet="true", rss=98_000)
    beat(desk.store, "ruby.1:7:cccc", [{"jid": "c" * 24}], info=RUBY, rss=150_000)
    desk.store.client.set("dear-leader", "web.1:11:aaaa")
    desk.store.client.hset(f"it-{1:024x}", mapping={"ex": 2, "rt": 71, "c": '["page",1742]'})
    desk.store.client.lpush("queue:default", *(payload(n, tags=["eu"]) for n in range(30)))
    return desk


@pytest.mark.slow("axe looks at each page in both themes and widths", seconds=12)
def test_every_page_is_accessible_and_keeps_to_its_policy(desk: Desk) -> None:
    inspect(staffed(desk), PAGES)


def test_a_process_is_stopped_by_keys_alone_after_a_question(desk: Desk) -> None:
    page = staffed(desk).open("/busy?only=processes")
    tabbed_to(page, ".skip")
    page.keyboard.press("Enter")
    tabbed_to(page, '[aria-label="Stop ruby.1:7"]')
    page.keyboard.press("Enter")
    expect(page.locator("dialog")).to_contain_text("Stop this process?")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#flash")).to_contain_text("1 process is told to stop.")
    assert desk.store.client.lrange("ruby.1:7:cccc-signals", 0, -1) == [b"TERM"]


@pytest.mark.parametrize("scripts", [True, False])
def test_enter_in_the_field_of_a_move_moves_and_deletes_nothing(desk: Desk, scripts: bool) -> None:
    page = staffed(desk).open("/queues/default", java_script_enabled=scripts)
    page.locator('input[name="key"]').nth(1).check()
    field = page.locator('.bar input[name="to"]')
    field.fill("elsewhere")
    field.press("Enter")
    expect(page.locator("#flash")).to_contain_text("1 job is in the other queue.")
    assert (desk.store.client.llen("queue:elsewhere"), desk.store.client.llen("queue:default")) == (1, 30)


def test_all_queues_are_paused_without_javascript(desk: Desk) -> None:
    page = staffed(desk).open("/queues", java_script_enabled=False)
    page.get_by_role("link", name="Emergency").click()
    page.locator("#hold-pause input[name=confirm]").fill("1")
    page.locator("#hold-pause button").click()
    expect(page.locator("#flash")).to_contain_text("1 queue is paused.")
    assert desk.store.client.smembers("paused") == {b"default", b"low"}
