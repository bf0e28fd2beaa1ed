"""What moves while one looks: one sampler a process, and a stream to each tab that is visible."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse

from teep.api import AsyncStats
from teep.errors import RedisError
from teep.web import urls
from teep.web.rendering import Site, Visit, render, visit_of

SECONDS = 2.0
"""How often Redis is asked while anyone listens."""

_HEARTBEAT = 15.0
_HEADERS = {"X-Accel-Buffering": "no", "Cache-Control": "private, no-store"}


class Sample(NamedTuple):
    """What Redis said, and when (epoch seconds)."""

    at: float
    stats: dict[str, Any]


class Sampler:
    """Asks Redis every two seconds while anyone listens, and tells all of them."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._listeners: set[asyncio.Queue[Sample]] = set()
        self._task: asyncio.Task[None] | None = None
        self.recent: deque[Sample] = deque(maxlen=90)
        """The last three minutes, without the times in which nobody listened."""

    @classmethod
    def of(cls, site: Site) -> "Sampler":
        """Return the one of an app."""
        made: Sampler = site.shared.setdefault("sampler", cls(site))
        return made

    @property
    def listening(self) -> int:
        """How many listen."""
        return len(self._listeners)

    @contextlib.contextmanager
    def joined(self) -> Any:
        """Listen: gives a queue of the latest sample."""
        queue: asyncio.Queue[Sample] = asyncio.Queue(1)
        self._listeners.add(queue)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._sample(), name="teep-web-sampler")
        try:
            yield queue
        finally:
            self._listeners.discard(queue)
            if not self._listeners and self._task is not None:
                self._task.cancel()
                self._task = None

    async def _sample(self) -> None:
        while True:
            try:
                sample = Sample(time.time(), await AsyncStats(config=self._site.config).fetch_stats())
            except RedisError:
                pass  # the next time, perhaps; the page says since when it has heard nothing
            else:
                self.recent.append(sample)
                for queue in self._listeners:
                    if queue.full():
                        queue.get_nowait()  # its browser is slow: the newest is all that it needs
                    queue.put_nowait(sample)
            await asyncio.sleep(SECONDS)


async def stream(request: Request) -> Response:
    """Answer with a stream of the summary, for htmx to swap."""
    visit = _before(request)
    if visit.live == "poll":
        raise HTTPException(404)  # it would hold a thread for as long as the page is open

    def written(sample: Sample) -> str:
        return render(visit, "parts/summary.html", {"summary": sample.stats})

    return StreamingResponse(
        _events(Sampler.of(visit.site), written), media_type="text/event-stream", headers=_HEADERS
    )


async def summary(request: Request) -> Response:
    """Answer with the summary as it is now, for a page that polls."""
    visit = _before(request)
    stats = await AsyncStats(config=visit.config).fetch_stats()
    return HTMLResponse(render(visit, "parts/summary.html", {"summary": stats}))


def _before(request: Request) -> Visit:
    """Return the visit of the page that asks: what is swapped into it has links from there."""
    depth = urls.integer(request.query_params, "depth", range(10), 0)
    return replace(visit_of(request), depth=depth)


async def _events(sampler: Sampler, written: Callable[[Sample], str]) -> AsyncIterator[str]:
    yield "retry: 5000\n\n"
    with sampler.joined() as queue:
        while True:
            try:
                sample = await asyncio.wait_for(queue.get(), _HEARTBEAT)
            except TimeoutError:
                yield ": still here\n\n"
            else:
                yield event(written(sample))


def event(data: str) -> str:
    """Return an event of a stream."""
    lines = "".join(f"data: {line}\n" for line in data.splitlines() if line.strip())
    return f"{lines}\n"
