"""A browser without a screen: asks an app, as one of a prefix's visitors, and reads what comes."""

import asyncio
import re
from collections.abc import Mapping
from html import unescape
from typing import Any
from urllib.parse import urljoin

import httpx2

OURS = {"Sec-Fetch-Site": "same-origin"}
_HOST = "http://teep.test"
_LINK = re.compile(r'(?:href|src|action|formaction|hx-get|hx-sse:connect)="([^"]*)"')


class Visitor:
    """Asks an ASGI app for pages below a prefix; redirects are followed as a browser does."""

    def __init__(self, app: Any, runner: asyncio.Runner, prefix: str = "") -> None:
        self._client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=_HOST)
        self._runner = runner
        self.prefix = prefix

    def get(self, path: str = "/", **options: Any) -> httpx2.Response:
        return self._runner.run(self._client.get(self.prefix + path, follow_redirects=True, **options))

    def ask(self, method: str, path: str, **options: Any) -> httpx2.Response:
        return self._runner.run(self._client.request(method, self.prefix + path, **options))

    def post(
        self,
        path: str,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] = OURS,
        *,
        follow: bool = True,
    ) -> httpx2.Response:
        asked = self._client.post(self.prefix + path, data=data, headers=headers, follow_redirects=follow)
        return self._runner.run(asked)

    def close(self) -> None:
        self._runner.run(self._client.aclose())


def links(response: httpx2.Response) -> set[str]:
    """Return where the links of a page lead, as paths from the host's root."""
    found = {unescape(link) for link in _LINK.findall(response.text)}
    here = str(response.url)
    return {urljoin(here, link).removeprefix(_HOST) for link in found if link and not link.startswith("#")}


def text_of(response: httpx2.Response) -> str:
    """Return what of a page one reads."""
    bare = re.sub(r"<[^>]*>", " ", response.text)
    return re.sub(r"\s+", " ", unescape(bare))
