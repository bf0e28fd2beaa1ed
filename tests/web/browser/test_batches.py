"""Batches in a real browser: both themes and widths, by keys alone, without JavaScript, and live."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import expect

import teep
from tests.web.browser.conftest import UNTIL_READ_AGAIN, Desk, tabbed_to, timed
from tests.web.browser.test_pages import inspect
from tests.web.test_batches import fail, made

pytestmark = pytest.mark.xdist_group("chromium")


@pytest.fixture
def batch(desk: Desk, config: teep.Config) -> teep.Batch:
    """A batch with a parent, a child and failed jobs, as many notes as there are, and others beside it."""
    with ThreadPoolExecutor(1) as apart:  # from a block on an event loop, as Playwright has one, teep warns
        return apart.submit(_family, desk, config).result()


def _family(desk: Desk, config: teep.Config) -> teep.Batch:
    parent = made(config, 2, description="release 214")
    batch = made(config, 9, description="import 7", tags=["eu", "night"], parent=parent)
    fail(desk.store, batch, retried=2, dead=1)
    made(config, 1, parent=batch)
    desk.store.client.hset(f"{{teep:batch:{batch.bid}}}", mapping={"abandoned": 1})
    desk.store.client.zadd(f"{{teep:batch:{batch.bid}}}:openers", {"token": 4e12})
    for number in range(30):
        made(config, 0, description=f"done {number}")
    return batch


@pytest.mark.slow("axe looks at each page in both themes and widths", seconds=12)
def test_they_are_accessible_and_keep_to_their_policy(desk: Desk, batch: teep.Batch) -> None:
    inspect(desk, ("/batches", "/batches?state=dead&tag=eu", f"/batches/{batch.bid}"))


def test_one_is_made_invalid_by_keys_alone_after_a_question(
    desk: Desk, batch: teep.Batch, config: teep.Config
) -> None:
    page = desk.open(f"/batches/{batch.bid}")
    tabbed_to(page, 'button[name="invalidate"]')
    page.keyboard.press("Enter")
    expect(page.locator("dialog")).to_contain_text("this cannot be undone")
    page.keyboard.press("Escape")
    assert not teep.BatchStatus(batch.bid, config=config).invalid
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#is-invalid")).to_be_visible()
    assert teep.BatchStatus(batch.bid, config=config).invalid


def test_without_scripts_a_tag_finds_one_and_its_failed_jobs_are_retried(desk: Desk, batch: teep.Batch) -> None:
    page = desk.open("/batches", java_script_enabled=False)
    page.get_by_label("Tag").fill("night")
    page.get_by_role("button", name="Filter", exact=True).click()
    page.get_by_role("link", name="with dead jobs").click()
    page.get_by_role("link", name="import 7").click()
    expect(page.locator("#failed tbody tr")).to_have_count(3)
    page.get_by_role("button", name="Retry the failed").click()
    expect(page.locator("#flash")).to_contain_text("3 jobs go to their queues.")


def test_a_batch_grows_under_ones_eyes(desk: Desk, batch: teep.Batch, config: teep.Config) -> None:
    page = timed(desk.open(f"/batches/{batch.bid}"))
    expect(page.locator("#batch-facts")).to_contain_text("Discarded")
    teep.Queue("q", config=config).where(bid=batch.bid).delete_all()
    page.clock.run_for(UNTIL_READ_AGAIN)
    expect(page.locator("#batch-bar .is-discarded")).to_have_count(1)
    expect(page.locator("#batch-facts > div").nth(5)).to_contain_text("6")
