"""Debian's Chromium, one for all tests here, before a page that is served for real.

What a page does later is waited for by `expect(...)`, or by `wait_until` around `page.evaluate`. Never by
`page.wait_for_function` with a string: where its first look is in vain it evaluates the string in the page, which
the page's policy refuses.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

import teep
import teep.web
from tests.support.servers import Server
from tests.support.waiting import wait_until
from tests.web.conftest import fill
from tests.web.test_serving import served

# What is seen of the page's policy: a browser reports to the document whatever it has refused.
_WATCH = "document.addEventListener('securitypolicyviolation', (e) => console.error(`CSP: ${e.violatedDirective}`))"


# The machine may be busy: it only takes this long to fail.
_SECONDS = 40
# Milliseconds in which a page is read again in any case.
UNTIL_READ_AGAIN = 6_000
expect.set_options(timeout=_SECONDS * 1000)


@contextmanager
def opened_chromium() -> Iterator[Browser]:
    # The same browser without its windows, which takes half the time.
    program = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    assert program, "these tests need Chromium (Debian: apt-get install chromium-headless-shell) on PATH"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Open it for these tests only: as long as it is open, Playwright's event loop counts as running."""
    with opened_chromium() as browser:
        yield browser


@dataclass
class Desk:
    """A browser before the page: opens it, and keeps what went wrong there."""

    chromium: Browser
    address: str
    store: Server
    problems: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def open(
        self, path: str = "/", *, width: int = 1280, height: int = 900, theme: Any = "light", **options: Any
    ) -> Page:
        """Open a page, once it is loaded."""
        context = self.chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, locale="en", **options
        )
        self.contexts.append(context)
        context.add_init_script(_WATCH)
        page = context.new_page()
        page.set_default_timeout(_SECONDS * 1000)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.problems.append(f"{path}: {error}"))
        page.on("request", self._watch)
        page.goto(self.address + path)
        return page

    def _hear(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.problems.append(said.text)

    def _watch(self, request: Any) -> None:
        if not request.url.startswith(self.address):
            self.problems.append(f"a request to {request.url}")


@pytest.fixture
def desk(chromium: Browser, config: teep.Config, store: Server) -> Iterator[Desk]:
    """A page on a populated store, and a browser; at the end nothing may have gone wrong in it."""
    populate(store)
    with before(chromium, teep.web.app(config), store) as desk:
        yield desk


@contextmanager
def before(chromium: Browser, app: Any, store: Server) -> Iterator[Desk]:
    """Serve an app, and sit down before it with a browser; at the end nothing may have gone wrong in it."""
    with served(app) as address:
        desk = Desk(chromium, address, store)
        yield desk
        for context in desk.contexts:
            context.close()
    assert desk.problems == []


def timed(page: Page) -> Page:
    """Load a page again, with a clock that `page.clock.run_for` puts forward."""
    page.clock.install()
    page.reload()
    return page


def resized(page: Page, width: int) -> None:
    """Give the page another width, and wait until it knows."""
    page.set_viewport_size({"width": width, "height": 900})
    wait_until(lambda: page.evaluate("innerWidth") == width, _SECONDS, "the page to have its width")


def tabbed_to(page: Page, selector: str) -> None:
    """Go to an element by the Tab key alone."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
            return
    raise AssertionError(f"Tab does not lead to {selector}")


def populate(store: Server) -> None:
    """Put something everywhere."""
    errors = {
        "error_class": "app.errors.TimeoutError",
        "error_message": "timed out <b>after</b> 30 s",
        "retry_count": 2,
    }
    fill(store, "retry", 12, tags=["eu", "priority"], failed_at=time.time(), **errors)
    fill(store, "dead", 3, **errors)
    fill(store, "schedule", 3)
    store.client.sadd("queues", "default", "low")
    store.client.sadd("paused", "low")
    store.client.lpush("queue:default", '{"class":"C","args":[1],"jid":"x"}')
    store.client.mset({"stat:processed": 1_234_567, "stat:failed": 89})
