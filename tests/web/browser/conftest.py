"""Debian's Chromium, one for all tests here, before a page that is served for real."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

import teep
import teep.web
from tests.support.servers import Server
from tests.web.conftest import fill
from tests.web.test_serving import served

# What is seen of the page's policy: a browser reports to the document whatever it has refused.
_WATCH = "document.addEventListener('securitypolicyviolation', (e) => console.error(`CSP: ${e.violatedDirective}`))"


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Open it for these tests only: as long as it is open, Playwright's event loop counts as running."""
    program = shutil.which("chromium")
    assert program, "these tests need Chromium (Debian: apt-get install chromium), and PATH does not lead to it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@dataclass
class Desk:
    """A browser before the page: opens it, and keeps what went wrong there."""

    chromium: Browser
    address: str
    store: Server
    problems: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def open(self, path: str = "/", *, width: int = 1280, theme: Any = "light", **options: Any) -> Page:
        """Open a page, once it is loaded."""
        context = self.chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, locale="en", **options
        )
        self.contexts.append(context)
        context.add_init_script(_WATCH)
        page = context.new_page()
        page.set_default_timeout(15_000)
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
    with served(teep.web.app(config)) as address:
        desk = Desk(chromium, address, store)
        yield desk
        for context in desk.contexts:
            context.close()
    assert desk.problems == []


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
