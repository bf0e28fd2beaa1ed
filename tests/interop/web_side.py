"""Sidekiq's Web UI over HTTP: the application of `ruby/config.ru` in a server of its own."""

import http.client
import signal
from pathlib import Path
from typing import Self
from urllib.parse import urlencode

from tests.interop.ruby_program import RubyProgram
from tests.interop.ruby_views import WebPage
from tests.interop.sidekiqs import Sidekiq
from tests.support.servers import free_port
from tests.support.waiting import wait_until

_CONFIG = Path(__file__).parent / "ruby" / "config.ru"
_START_SECONDS = 30.0


class WebUi:
    """A Sidekiq 8 Web UI whose Redis is at `url`, ready when this returns. A context manager, which ends it."""

    def __init__(self, sidekiq: Sidekiq, url: str) -> None:
        self._port = free_port()
        bind = f"tcp://127.0.0.1:{self._port}"
        self._process = RubyProgram(sidekiq, "puma", "-C", "-", "-t", "1:1", "-b", bind, str(_CONFIG), url=url)
        try:
            wait_until(self._answers, _START_SECONDS, lambda: f"Puma; its log:\n{self._process.log}")
        except BaseException:
            self.close()
            raise

    def get(self, path: str) -> WebPage:
        """A page."""
        return self._ask("GET", path)

    def head(self, path: str) -> WebPage:
        """A page without its body."""
        return self._ask("HEAD", path)

    def post(self, path: str, **fields: str) -> WebPage:
        """An action, as a form of one of the pages does it; `key` goes as `key[]`, as a list of chosen jobs does."""
        form = {"key[]" if name == "key" else name: value for name, value in fields.items()}
        return self._ask("POST", path, urlencode(form), {"Sec-Fetch-Site": "same-origin", "Referer": path})

    def close(self) -> None:
        """Stop it."""
        self._process.end(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _ask(self, method: str, path: str, body: str = "", headers: dict[str, str] | None = None) -> WebPage:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request(method, path, body or None, form | (headers or {}))
            answer = connection.getresponse()
            return WebPage(answer.status, answer.read().decode(errors="replace"))
        finally:
            connection.close()

    def _answers(self) -> bool:
        self._process.check()
        try:
            return self.head("/").status == 200
        except ConnectionError:
            return False
