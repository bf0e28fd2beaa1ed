"""A page that many look at is read once a second for all of them, and anew after each change that is made here.

So many tabs cost Redis, and this process, little more than one. It is shared by those alone that see the very same:
same address, same rights and name, same language, theme and keys.
"""

import time
from collections.abc import Awaitable, Callable, Hashable
from functools import wraps
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from teep.web.rendering.templates import Site, Visit, visit_of

SECONDS = 1.0
"""How old a page may be."""

_MOST = 64  # pages that are kept, so that many addresses within a second take no memory to speak of

Handler = Callable[[Request], Awaitable[Response]]


class _Kept(NamedTuple):
    """A page, when it was begun, and the nonce of its scripts."""

    since: float
    nonce: bytes
    body: bytes


class SharedPages:
    """The pages of an app that were read lately."""

    def __init__(self) -> None:
        self._pages: dict[Hashable, _Kept] = {}
        self._changes = 0

    @classmethod
    def of(cls, site: Site) -> "SharedPages":
        """Return those of an app."""
        made: SharedPages = site.shared.setdefault("pages", cls())
        return made

    def changed(self) -> None:
        """Forget all: something is different now, or may be."""
        self._changes += 1
        self._pages.clear()

    async def answer(self, key: Hashable, nonce: str, read: Callable[[], Awaitable[Response]]) -> Response:
        """Answer with the page of a key, which is read if there is none."""
        now, changes = time.monotonic(), self._changes
        kept = self._pages.get(key)
        if kept is not None and now - kept.since < SECONDS:
            return HTMLResponse(kept.body.replace(kept.nonce, nonce.encode()))
        response = await read()
        if changes == self._changes and response.status_code == 200 and isinstance(response, HTMLResponse):
            self._pages.pop(key, None)
            while len(self._pages) >= _MOST:
                del self._pages[next(iter(self._pages))]
            self._pages[key] = _Kept(now, nonce.encode(), bytes(response.body))
        return response


def shared(handler: Handler) -> Handler:
    """Make a page one that is shared."""

    @wraps(handler)
    async def answered(request: Request) -> Response:
        visit = visit_of(request)
        if callable(visit.access.arguments) or "flash" in request.query_params:
            return await handler(request)  # what the function shows may depend on anything; a flash is for one
        pages = SharedPages.of(visit.site)
        return await pages.answer(_key(request, visit), visit.nonce, lambda: handler(request))

    return answered


def _key(request: Request, visit: Visit) -> Hashable:
    """Return all that a page depends on besides Redis."""
    access = visit.access
    return (
        visit.path, request.scope["query_string"], visit.depth, visit.live, visit.words.language,
        request.cookies.get("teep_theme"), request.cookies.get("teep_keys"), access.who, access.arguments,
        frozenset(access.act),
    )  # fmt: skip
