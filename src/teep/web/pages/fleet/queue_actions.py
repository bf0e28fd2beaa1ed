"""What is done to a queue, and to its jobs: to one, to those that are ticked, or to all that match.

Forms are Sidekiq's: `POST /queues/NAME` with `pause`, `unpause` or `delete` (the whole queue), and
`POST /queues/NAME/delete` with a job's JSON as `key_val`.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from teep.api import AsyncJobRecord, AsyncQueue, AsyncQueueSelection
from teep.api.jobs.selection import words
from teep.api.jobs.selection.sweep import Progress
from teep.web import actions, bulks
from teep.web.actions import done_in_words, must_may
from teep.web.bulks import Bulk
from teep.web.guard.safety import Form, read_form
from teep.web.lists import SIZES
from teep.web.pages.fleet.sure import Question, asked, is_confirmed
from teep.web.rendering import Visit, printable, visit_of
from teep.web.urls import from_path, to_path

NEEDS = {"delete": "delete", "move": "retry"}
"""What can be done to jobs of a queue, and the verb of an `Access` that it needs."""

_KEY = re.compile(r"([0-9]{1,12})-([A-Za-z0-9_]+)")


async def act(request: Request) -> Response:
    """POST /queues/NAME: pause, unpause, or delete it with all its jobs once that is confirmed."""
    visit, form = visit_of(request), await read_form(request)
    name = from_path(request.path_params["name"])
    queue = AsyncQueue(name, config=visit.config)
    if "delete" in form:
        return await _clear(request, form, queue)
    verb = actions.verb_of(form, ("pause", "unpause"))
    must_may(visit, "pause")
    await (queue.pause() if verb == "pause" else queue.unpause())
    actions.recorded(request, verb, _logged(name), count=1, of="queues")
    back = "queues" if form.get("back") == ["queues"] else path_of(name)
    return visit.redirect(back, flash=visit.flash(f"queues.is_{verb}d", name=printable(name)))


async def _clear(request: Request, form: Form, queue: AsyncQueue) -> Response:
    visit = visit_of(request)
    must_may(visit, "delete")
    total = await queue.size()
    question = Question(
        words=visit.words("queues.sure_clear", count=total, name=printable(queue.name)),
        why=[visit.words("confirm.for_good")],
        total=total,
        path=path_of(queue.name),
        fields={"delete": "yes"},
        button=visit.words("queues.do_clear"),
        back=path_of(queue.name),
    )
    if not is_confirmed(form, typed=question.is_typed):
        actions.recorded(request, "clear", _logged(queue.name), count=total, dry_run=True)
        return await asked(request, form, question)
    await queue.clear()
    actions.recorded(request, "clear", _logged(queue.name), count=total)
    return visit.redirect("queues", flash=visit.flash("queues.is_cleared", count=total))


async def delete_raw(request: Request) -> Response:
    """POST /queues/NAME/delete: the job with exactly this JSON (`key_val`), as Sidekiq's form has it."""
    visit, form = visit_of(request), await read_form(request)
    must_may(visit, "delete")
    name = from_path(request.path_params["name"])
    if "key_val" not in form:
        raise HTTPException(400)
    raw = form["key_val"][0].encode(errors="surrogateescape")
    job = AsyncJobRecord(raw, name, config=visit.config)
    done = await job.delete()
    actions.recorded(request, "delete", _logged(name), count=int(done), filter=actions.of_jids([job.jid]))
    return _back(visit, name, form, "delete", int(done), 1)


async def act_on_some(request: Request) -> Response:
    """POST /queues/NAME/jobs: delete the jobs that are ticked (`key`), or move them to the queue `to`."""
    visit, form = visit_of(request), await read_form(request)
    name = from_path(request.path_params["name"])
    return await _act_on(request, visit, form, name, form.get("key", [])[: SIZES[-1] * 10])


async def act_on_one(request: Request) -> Response:
    """POST /queues/NAME/jobs/KEY: the same for one job."""
    visit, form = visit_of(request), await read_form(request)
    name = from_path(request.path_params["name"])
    return await _act_on(request, visit, form, name, [request.path_params["key"]])


async def _act_on(request: Request, visit: Visit, form: Form, name: str, keys: list[str]) -> Response:
    verb = actions.verb_of(form, NEEDS)
    must_may(visit, NEEDS[verb])
    to = _target(form)
    if verb == "move" and to in ("", name):
        return visit.redirect(path_of(name), **_kept(form), flash=visit.flash("queues.move_where"))
    queue = AsyncQueue(name, config=visit.config)
    found = await asyncio.gather(*(job_of(queue, key) for key in keys))
    done: list[str] = []
    try:
        for job in found:
            if job is not None and await (job.delete() if verb == "delete" else job.move_to(to)):
                done.append(job.jid)  # noqa: PERF401 - one after another may fail
    finally:  # what was done is recorded, though the rest failed
        actions.recorded(request, verb, _logged(name), count=len(done), filter=actions.of_jids(done))
    return _back(visit, name, form, verb, len(done), len(keys))


async def act_on_all(request: Request) -> Response:
    """POST /queues/NAME/all/VERB: all that match `q`, once that is confirmed."""
    visit, form = visit_of(request), await read_form(request)
    name, verb = from_path(request.path_params["name"]), request.path_params["verb"]
    if verb not in NEEDS:
        raise HTTPException(404)
    must_may(visit, NEEDS[verb])
    to = _target(form)
    parsed = words.parse(form.get("q", [""])[0], arguments=visit.access.sees_arguments)
    if parsed.problems:
        raise HTTPException(400)
    if verb == "move" and to in ("", name):
        return visit.redirect(path_of(name), **_kept(form), flash=visit.flash("queues.move_where"))
    queue = AsyncQueue(name, config=visit.config)
    selection = queue.where(**parsed.conditions)
    total = actions.typed(form)  # it was counted a moment ago
    if total is None:
        total = await queue.size() if parsed.is_any else await selection.count()
    question = _question(visit, name, verb, total, parsed.text, to)
    if not is_confirmed(form, typed=question.is_typed):
        actions.recorded(request, verb, _logged(name), count=total, filter=parsed.text, dry_run=True)
        return await asked(request, form, question)
    return await _carry_out(request, selection, name, verb, total, parsed.text, to)


def _question(visit: Visit, name: str, verb: str, total: int, text: str, to: str) -> Question:
    match = f"{visit.words('confirm.match')} {printable(text)}" if text else ""
    whole = f"{visit.words('confirm.whole')} {printable(name)}"
    why = [match or whole, visit.words("confirm.for_good") if verb == "delete" else f"→ {printable(to)}"]
    return Question(
        words=visit.words(f"confirm.{verb}", count=total),
        why=why,
        total=total,
        path=f"{path_of(name)}/all/{verb}",
        fields={"q": text, "to": to},
        button=visit.words(f"action.{verb}_all"),
        back=path_of(name),
    )


async def _carry_out(
    request: Request, selection: AsyncQueueSelection, name: str, verb: str, total: int, text: str, to: str
) -> Response:
    visit = visit_of(request)

    def work(told: Progress) -> Awaitable[int]:
        if verb == "delete":
            return selection.delete_all(on_progress=told)
        return selection.move_to(to, on_progress=told)

    record = actions.record_of(request, verb, _logged(name), filter=text)
    bulk = Bulk(verb, NEEDS[verb], path_of(name), text, total, record, title=name)
    done = await bulks.carry_out(request, bulk, work)
    if isinstance(done, Bulk):
        return visit.redirect(f"actions/{done.id}")
    return visit.redirect(path_of(name), flash=visit.flash(f"done.{verb}", count=done))


async def job_of(queue: AsyncQueue, key: str) -> AsyncJobRecord | None:
    """Return the job that a key of a row names; None if there is none, or no more."""
    found = _KEY.fullmatch(key)
    return None if found is None else await queue.entry(int(found[1]), found[2])


def _back(visit: Visit, name: str, form: Form, verb: str, done: int, wanted: int) -> Response:
    return visit.redirect(path_of(name), **_kept(form), flash=done_in_words(visit, verb, done, wanted))


def _kept(form: Form) -> dict[str, str]:
    names = ("q", "count", "after", "before", "direction")
    return {name: form[name][0] for name in names if form.get(name, [""])[0]}


def _target(form: Form) -> str:
    return form.get("to", [""])[0].strip()


def path_of(name: str) -> str:
    """Return the path of a queue's page."""
    return f"queues/{to_path(name)}"


def _logged(name: str) -> str:
    """Return a queue as the log names it: on one line, whatever it is called."""
    return f"queues/{name}" if name.isprintable() else f"queues/{name!r}"


ROUTES: Mapping[str, Callable[[Request], Awaitable[Response]]] = {
    "": act,
    "/delete": delete_raw,
    "/jobs": act_on_some,
    "/jobs/{key}": act_on_one,
    "/all/{verb}": act_on_all,
}
"""Where forms below a queue's path go."""
