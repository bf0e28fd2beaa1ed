"""Django's requests as an ASGI app takes them, under ASGI and WSGI."""

import asyncio
import threading
from collections.abc import AsyncGenerator, MutableMapping
from contextlib import aclosing
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

Message = MutableMapping[str, Any]


class _Loop:
    """An event loop on a thread of its own: under WSGI each request has another one, and connections live in one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def get(self) -> asyncio.AbstractEventLoop:
        """Return it, started at the first use: a server that forks has its workers by then."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="teep-web", daemon=True).start()
            return self._loop


_LOOP = _Loop()


class _Answer(NamedTuple):
    """How an answer begins, and what follows the first part of its body, if anything does."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    rest: AsyncGenerator[bytes, None] | None


async def answer(app: Any, request: HttpRequest, path: str, **scope: Any) -> HttpResponseBase:
    """Ask an app for a path below the one that it is included at, and return what it says."""
    body = request.body
    if is_asgi(request):
        return _response(await _ask(app, _scope(request, path, scope), body))
    asked = _ask(app, _scope(request, path, {**scope, "teep.live": "poll"}), body)
    told = asyncio.run_coroutine_threadsafe(asked, _LOOP.get())
    return _response(await asyncio.wrap_future(told))


def is_asgi(request: HttpRequest) -> bool:
    """Tell whether the server speaks ASGI, so that an answer may be a stream."""
    return hasattr(request, "scope")


def _scope(request: Any, path: str, more: dict[str, Any]) -> dict[str, Any]:
    whole = request.path
    raw = request.scope.get("raw_path") if is_asgi(request) else None
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request.headers.items()]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.scheme,
        "path": whole,
        "raw_path": raw or whole.encode(),
        "root_path": whole[: len(whole) - len(path)].rstrip("/"),
        "query_string": request.META.get("QUERY_STRING", "").encode("latin-1"),
        "headers": headers,
        "client": (request.META.get("REMOTE_ADDR") or "", 0),
        "server": (request.META.get("SERVER_NAME") or "", int(request.META.get("SERVER_PORT") or 0)),
        **more,
    }


async def _ask(app: Any, scope: dict[str, Any], body: bytes) -> _Answer:
    messages: asyncio.Queue[Message] = asyncio.Queue(1)
    given = False

    async def receive() -> Message:
        nonlocal given
        if given:
            await asyncio.Event().wait()  # Django cancels the stream if the browser goes
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    task = asyncio.ensure_future(app(scope, receive, messages.put))
    start = await _next(messages, task)
    first = await _next(messages, task)
    rest = _rest(messages, task) if first.get("more_body") else None
    return _Answer(start["status"], list(start["headers"]), first.get("body", b""), rest)


async def _next(messages: asyncio.Queue[Message], task: "asyncio.Future[Any]") -> Message:
    """Return the app's next message.

    Raises:
        Exception: what the app raised instead.
    """
    getting = asyncio.ensure_future(messages.get())
    await asyncio.wait({getting, task}, return_when=asyncio.FIRST_COMPLETED)
    if not getting.done() and messages.empty():
        getting.cancel()
        task.result()
    return await getting


async def _rest(messages: asyncio.Queue[Message], task: "asyncio.Future[Any]") -> AsyncGenerator[bytes, None]:
    try:
        more = True
        while more:
            message = await _next(messages, task)
            more = bool(message.get("more_body"))
            yield message.get("body", b"")
    finally:
        task.cancel()


def _response(told: _Answer) -> HttpResponseBase:
    if told.rest is None:
        response: HttpResponseBase = HttpResponse(told.body, status=told.status)
    else:
        response = StreamingHttpResponse(_joined(told.body, told.rest), status=told.status)
    del response["Content-Type"]
    cookies = response.cookies
    for name, value in told.headers:
        if name.lower() == b"set-cookie":
            cookies.load(value.decode("latin-1"))
        else:
            response[name.decode("latin-1")] = value.decode("latin-1")
    return response


async def _joined(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(rest):
        yield first
        async for part in rest:
            yield part
