"""The pictures of docs/web.md and README.md: a shop's fleet, page by page, and a night in which forty things fail.

`make pictures` takes them anew, the night with a million retries, and says how long each step of it took.
"""

import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import sin
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, Page, expect

import teep
import teep.web
from teep.web import live
from teep.web.trails import Trails
from tests.support.servers import Server
from tests.web.browser import releases, shop, timetable
from tests.web.browser.conftest import Desk, before, opened_chromium

FOLDER = Path(__file__).parents[3] / "docs" / "pictures"
LARGEST = 120_000
"""Bytes of a picture."""

RETRIES = 1_000_000
# Animations are over, and no cursor blinks.
_STILL: Any = {"animations": "disabled", "caret": "hide"}


class Picture(NamedTuple):
    """A page as a picture shows it, once `ready` is on it."""

    name: str
    path: str
    ready: str
    theme: str = "light"
    width: int = 1280
    height: int = 900


PICTURES = [
    Picture("dashboard", "/", "#rates .uplot", height=1240),
    Picture("dashboard-dark", "/", "#rates .uplot", theme="dark", height=1240),
    Picture("busy", "/busy", "#jobs table", height=1000),
    Picture("queue", "/queues/default", "#list table"),
    Picture("retries", "/retries?q=error%3A*Timeout+tag%3Apriority", "#list table"),
    Picture("errors", "/errors", "table.groups", height=800),
    Picture("job", f"/jobs/{shop.jid(shop.LETTER)}", ".timeline", height=1060),
    Picture("metrics", "/metrics", "#top-plot .uplot"),
    Picture("class", "/metrics/app.jobs.ResizeImage", "#runs-plot .uplot", theme="dark", height=1240),
    Picture("periodic", "/periodic", "table.fleet", height=700),
    Picture("periodic-job", "/periodic/payouts", "#periodic-facts", height=1000),
    Picture("batches", "/batches", "table.batches", theme="dark", height=700),
    Picture("batch", f"/batches/{releases.BATCH}", "#batch-facts", height=900),
    Picture("workflow", f"/workflows/{releases.WORKFLOW}", ".graph .node", height=1240),
    Picture("limits", "/limits", "table.fleet", theme="dark", height=600),
    Picture("history", "/?hours=24", "#past .uplot", height=1620),
    Picture("phone", "/errors", "table.groups", width=390, height=844),
]
NIGHT = ["night-1-errors", "night-2-group", "night-3-job", "night-4-counted", "night-5-all", "night-6-done"]


@dataclass
class Camera:
    """Takes pictures into a folder; without one it only looks."""

    folder: Path | None = None

    def take(self, page: Page, name: str) -> None:
        if self.folder is None:
            return
        path = self.folder / f"{name}.png"
        page.mouse.move(0, 0)
        page.screenshot(path=path, **_STILL)
        subprocess.run(["pngquant", "--force", "--strip", "--speed", "1", "--output", path, "96", path], check=True)
        assert path.stat().st_size <= LARGEST, f"{path} is too large"


def lived(app: Any, store: Server) -> None:
    """Let an app have been looked at for some minutes, in which the shop worked."""
    now = time.time()
    recent, counts = live.Sampler.of(app.site).recent, {"processed": 48_213_077.0, "failed": 61_804.0}
    for step in range(90):
        rates = (310 + 40 * sin(step / 9) + step * 7 % 23, (step * 5 % 9) / 3)
        for name, rate in zip(counts, rates, strict=True):
            counts[name] += rate * live.SECONDS
        running = 19 + step * 7 % 5 + round(4 * sin(step / 12))
        stats = {"processed": int(counts["processed"]), "failed": int(counts["failed"]), "workers_size": running}
        recent.append(live.Sample(now - (90 - step) * live.SECONDS, stats))
    store.client.mset({f"stat:{name}": int(count) for name, count in counts.items()})
    sizes = {queue.name: queue.size() for queue in teep.Queue.all(config=app.site.config)}
    trails = Trails.of(app.site, "queues")
    for step in range(60):
        back = 59 - step
        moved = {"default": back * 9 + 60 * sin(step / 5), "mailers": -4 * back, "imports": 7 * sin(step / 4)}
        known = {name: max(size + moved.get(name, 0), 0) for name, size in sizes.items()}
        trails.note(known, now=now - 3 - back * 5)


@contextmanager
def opened(chromium: Browser, store: Server, retries: int, groups: Any = shop.ERRORS) -> Iterator[Desk]:
    """Open the shop with so many retries of these groups."""
    config = teep.Config(redis_url=store.url, environment="production")
    store.flushall()
    shop.populate(store, config, retries, groups)
    app = teep.web.app(config)
    lived(app, store)
    with working(store), before(chromium, app, store) as desk:
        yield desk


@contextmanager
def working(store: Server) -> Iterator[None]:
    """Let jobs be done meanwhile, or the curves would fall to zero."""
    over, since, done = threading.Event(), time.time() - live.SECONDS, 0

    def work() -> None:
        nonlocal done
        while not over.wait(0.1):
            more = int((time.time() - since) * 310) - done
            store.client.incrby("stat:processed", more)
            done += more

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def look(desk: Desk, camera: Camera) -> None:
    """Take a picture of every page."""
    for picture in PICTURES:
        shop.beat_all(desk.store)
        page = desk.open(picture.path, width=picture.width, height=picture.height, theme=picture.theme)
        expect(page.locator(picture.ready).first).to_be_visible()
        page.wait_for_timeout(200)  # a chart has come to rest
        camera.take(page, picture.name)
        page.close()


def night(desk: Desk, camera: Camera, patience: int = 30_000) -> dict[str, float]:
    """Walk as an operator does: find what fails, understand it, repair one, repair all. Returns seconds by step.

    `patience`: milliseconds that any of them may take.
    """
    took: dict[str, float] = {}
    page = desk.open("/errors", height=800)
    page.set_default_timeout(patience)
    largest = page.locator("table.groups tbody tr").first

    @contextmanager
    def step(name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        took[name] = time.perf_counter() - began

    with step("open the errors, and have all of them counted"):
        page.goto(f"{desk.address}/errors")
        expect(largest).to_be_visible()
        if page.locator("#counting .button").count():  # a few are counted at once
            page.locator("#counting .button").click()
            expect(page.locator("#counting .button")).to_have_count(0)
    camera.take(page, NIGHT[0])
    with step("meanwhile list the largest group"):
        largest.locator(".count a").click()
        expect(page.locator("#list table")).to_be_visible()
    camera.take(page, NIGHT[1])
    with step("look at one of its jobs"):
        page.locator("#list tbody .class").first.click()
        expect(page.locator(".timeline")).to_be_visible()
    camera.take(page, NIGHT[2])
    with step("retry this one"):
        page.locator("button[name=retry]").click()
        expect(page.locator("#flash")).to_contain_text("1 job goes to its queue.")
    with step("see all counted"):
        page.goto(f"{desk.address}/errors")
        expect(page.locator("#counting")).to_contain_text(re.compile(r"All [\d,]+ jobs"), timeout=patience)
    camera.take(page, NIGHT[3])
    with step("ask for all of the group"):
        largest.locator("button").first.click()
        expect(page.locator("form.confirm")).to_be_visible(timeout=patience)
    rest = page.locator("form.confirm label").inner_text().split()[1]
    page.locator("input[name=confirm]").fill(rest)
    camera.take(page, NIGHT[4])
    with step("retry all of them"):
        page.locator("form.confirm button").click()
        expect(page.locator("#bulk")).to_contain_text(
            re.compile(r"[\d,]+ jobs go to their queues\."), timeout=patience
        )
    camera.take(page, NIGHT[5])
    return took


def main(retries: int) -> None:
    """Take all pictures."""
    FOLDER.mkdir(exist_ok=True)
    camera = Camera(FOLDER)
    with ExitStack() as stack:
        chromium, store = stack.enter_context(opened_chromium()), stack.enter_context(Server("valkey"))
        with opened(chromium, store, 216) as desk:
            timetable.record(teep.Config(redis_url=store.url))
            look(desk, camera)
        with opened(chromium, store, retries, shop.NIGHT) as desk:
            took = night(desk, camera, patience=600_000)
    for name, seconds in {**took, "in all": sum(took.values())}.items():
        print(f"{seconds:6.2f} s  {name}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else RETRIES)
