"""A job pushed by hand: its class, its arguments as JSON, to which queue, and in how long."""

import json
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from teep.api import AsyncQueue
from teep.api.jobs.selection import words
from teep.client import AsyncClient
from teep.errors import RedisError, TeepError
from teep.job import definition
from teep.job.calls import signatures
from teep.web.actions import must_may, recorded
from teep.web.guard.safety import read_form
from teep.web.pages.fleet.queue_actions import path_of
from teep.web.registry import Pages
from teep.web.rendering import page_with, printable, visit_of

FIELDS = ("class", "args", "queue", "in")


class Known(NamedTuple):
    """A job that this process has: its name, and how it is called."""

    name: str
    call: str


class NotPushedError(TeepError):
    """What was asked for makes no job; the form says why."""


async def show(request: Request) -> Response:
    """GET /push: the form; `class`, `args`, `queue` and `in` fill it."""
    must_may(visit_of(request), "push")
    given = {name: request.query_params.get(name, "") for name in FIELDS}
    return await _form(request, given)


async def act(request: Request) -> Response:
    """POST /push: push it, and go to where it waits."""
    visit, form = visit_of(request), await read_form(request)
    must_may(visit, "push")
    given = {name: form.get(name, [""])[0].strip() for name in FIELDS}
    try:
        args = read_json(given["args"] or "[]")
        jid, queue = await push(request, given["class"], args, given["queue"], given["in"])
    except RedisError:
        raise
    except (ValueError, RecursionError, TeepError) as error:
        return await _form(request, given, str(error))
    if jid is None:
        return await _form(request, given, visit.words("push.stopped"))
    return visit.redirect(
        "scheduled" if given["in"] else path_of(queue), flash=visit.flash("push.done", jid=printable(jid))
    )


async def push(request: Request, klass: str, args: Any, queue: str, delay: str) -> tuple[str | None, str]:
    """Push a job, with the options of its definition if this process has it; returns its jid and queue.

    Raises:
        NotPushedError: the arguments are no array, or there is no class.
        TeepError: no job could be like that.
    """
    visit = visit_of(request)
    if not klass or not isinstance(args, list):
        raise NotPushedError(visit.words("job.no_array" if klass else "push.no_class"))
    known = definition.known(klass)
    item: dict[str, Any] = {"class": klass, "args": args} if known is None else known.to_payload(tuple(args), {})
    if queue:
        item["queue"] = queue
    if delay:
        item["at"] = time.time() + words.seconds(delay)
    jid = await AsyncClient(visit.config).push(item)
    to = str(item.get("queue") or visit.config.job_defaults.get("queue") or "default")
    recorded(
        request, "push", f"queues/{printable(to)}", count=int(jid is not None), filter=f"class:{printable(klass)}"
    )
    return jid, to


async def _form(request: Request, given: dict[str, str], problem: str = "") -> Response:
    visit = visit_of(request)

    async def reading() -> dict[str, Any]:
        queues = await AsyncQueue.all(config=visit.config)
        return {"queues": sorted(queue.name for queue in queues)[:100]}

    shown = {name: printable(value) for name, value in given.items()}
    answer = await page_with(
        request, "push.html", reading(), given=shown, problem=printable(problem), known=list(known_jobs())
    )
    answer.status_code = 400 if problem else 200
    return answer


def known_jobs() -> Iterator[Known]:
    """Yield the jobs that this process has."""
    for one in definition.registered():
        yield Known(printable(one.name), printable(f"{one.name}{signatures.shown(one.signature)}"))


def read_json(text: str) -> Any:
    """Return a value as someone wrote it.

    Raises:
        ValueError, RecursionError: it is none.
    """
    return json.loads(text, parse_constant=_refuse)


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


PAGES = (Pages(routes=(Route("/push", show), Route("/push", act, methods=["POST"]))),)
