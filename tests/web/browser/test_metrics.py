"""Metrics and profiles in a real browser: charts drawn from tables, in both themes and widths."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

import teep
from tests.support.waiting import wait_until
from tests.web.browser.conftest import Desk, resized
from tests.web.browser.test_pages import inspect
from tests.web.test_metrics import left_profile, ran

pytestmark = pytest.mark.xdist_group("chromium")

PAGES = ["/metrics", "/metrics/app.jobs.Import", "/metrics/unknown", "/profiles"]
CLASSES = ("app.jobs.Resize", "app.jobs.Import", "Ruby::Mailer", "welcome", "app.reports.monthly_summary", "ping")

# Pixels of the first chart that have a colour.
PAINTED = """() => {
  const canvas = document.querySelector("canvas");
  const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((value, i) => i % 4 === 3 && value).length;
}"""


def populate(desk: Desk, config: teep.Config) -> None:
    """Two hours of work by six classes, a deploy and a profile."""
    now = datetime.now(UTC)
    for minute in range(0, 120, 3):
        work = {
            name: (3 + (minute * place) % 7, 2.0 + place * (1 + minute % 11), int(minute % 5 == 0))
            for place, name in enumerate(CLASSES)
        }
        ran(config, now - timedelta(minutes=minute), **work)
    teep.Deploy(config=config).mark("v42 faster imports", now - timedelta(minutes=25))
    left_profile(desk.store)


@pytest.mark.slow("axe looks at each page in both themes and widths", seconds=12)
def test_they_are_accessible_and_keep_to_their_policy(desk: Desk, config: teep.Config) -> None:
    populate(desk, config)
    inspect(desk, PAGES)


@pytest.mark.parametrize("path", PAGES[:2])
def test_charts_are_painted(desk: Desk, config: teep.Config, path: str) -> None:
    populate(desk, config)
    seen = desk.open(path)
    for plot in seen.locator(".plot").all():
        expect(plot.locator(".uplot")).to_be_visible()
    seen.evaluate("document.dispatchEvent(new Event('htmx:after:swap'))")  # as the summary's, every 2 s
    wait_until(lambda: seen.evaluate(PAINTED) > 1000, 40, "the chart to be painted")


def test_a_chart_is_drawn_again_if_its_numbers_change(desk: Desk, config: teep.Config) -> None:
    populate(desk, config)
    page = desk.open("/metrics")
    expect(page.locator("#top-plot .u-legend")).to_contain_text("app.reports.monthly_summary")
    ran(config, **{"app.Newest": (50, 300, 0)})
    page.evaluate("htmx.trigger(document.querySelector('#page'), 'teep:refresh')")
    expect(page.locator("#top-plot .u-legend")).to_contain_text("app.Newest")
    wait_until(lambda: page.evaluate(PAINTED) > 1000, 40, "the chart to be painted")


def test_a_chart_that_is_not_drawn_again_yet_holds_no_page_wide(desk: Desk, config: teep.Config) -> None:
    populate(desk, config)
    page = desk.open()
    page.add_init_script("window.ResizeObserver = class { observe() {} }")
    for path in ("/", *PAGES[:2]):
        page.goto(desk.address + path)
        expect(page.locator(".plot .uplot").first).to_be_visible()
        resized(page, 320)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
        resized(page, 1280)
