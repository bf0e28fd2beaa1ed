"""Busy: the processes by host, version and tag, and the jobs that run in them.

Forms are Sidekiq's: `POST /busy` with `quiet` or `stop`, and `identity` for one process.
"""

from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from teep.api import AsyncIterableJobQuery, AsyncJobRecord, AsyncProcess, AsyncProcessSet, IterableState, Work
from teep.api.fleet.fleet import AsyncFleet, FleetState
from teep.api.jobs.selection import words
from teep.client import AsyncClient
from teep.config import Config
from teep.web import actions, live, urls
from teep.web.actions import must_may
from teep.web.guard.safety import Form, read_form
from teep.web.lists import SIZES
from teep.web.pages.fleet.numbered import numbered
from teep.web.pages.fleet.rows import percent, process_row, text, threads_of, whole, work_row
from teep.web.pages.fleet.sure import Question, asked, is_confirmed
from teep.web.registry import Pages, Tab
from teep.web.rendering import Site, Visit, page_with, printable, visit_of
from teep.web.rendering.shared import shared
from teep.web.trails import Trail, trail_of
from teep.web.urls import from_path

Process = AsyncProcess
Running = Work[AsyncJobRecord]
State = FleetState[AsyncProcess, AsyncJobRecord]

FACETS = {"host": "hostname", "version": "version", "tag": "tag"}
"""By what processes are told apart: the word of the query, and the field."""

_MOST_FACETS = 12
_KEPT = ("only", "q", "host", "version", "tag", "process", "count")

_ONE: Mapping[str, Callable[[Process], Coroutine[Any, Any, None]]] = {
    "quiet": lambda process: process.quiet(),
    "stop": lambda process: process.stop(),
    "dump": lambda process: process.dump_threads(),
}
_ALL: Mapping[str, Callable[[AsyncFleet], Coroutine[Any, Any, int]]] = {
    "quiet": lambda fleet: fleet.quiet_all(),
    "stop": lambda fleet: fleet.stop_all(),
    "dump": lambda fleet: fleet.dump_all(),
}


class Facet(NamedTuple):
    """A value by which processes are told apart: how many have it, and whether only those are shown."""

    value: str
    count: int  # type: ignore[assignment]  # a tuple's own count() is of no use here
    is_chosen: bool


async def busy(request: Request) -> Response:
    """GET /busy: `only` jobs or processes; of processes a host, version or tag; of jobs a filter or a process."""
    return await page_with(request, "fleet/busy.html", _read(request), sizes=SIZES)


async def _read(request: Request) -> dict[str, Any]:
    visit, query = visit_of(request), request.query_params
    state = await AsyncFleet(config=visit.config).state()
    asked_for = urls.integer(query, "count", range(1, 101), SIZES[0])
    size = next(size for size in SIZES if asked_for <= size)
    only = query.get("only", "") if query.get("only") in ("jobs", "processes") else ""
    chosen = [process for process in state.processes if _is_chosen(process, query)]
    shown = numbered(chosen if only != "jobs" else [], query, "at", size)
    parsed = words.parse(query.get("q", ""), arguments=visit.access.sees_arguments)
    jobs = numbered(_jobs(state, query, parsed) if only != "processes" else [], query, "page", size)
    now = datetime.now(UTC)
    states = await _states(jobs.items, visit.config)
    return {
        "only": only,
        "size": size,
        "here": {name: query[name] for name in _KEPT if query.get(name)},
        "totals": _totals(state.processes),
        "trail": _lately(visit.site),
        "facets": {} if only == "jobs" else {name: _facets(state.processes, name, query) for name in FACETS},
        "shown": shown,
        "rows": [process_row(process, state.leaders, now) for process in shown.items],
        "filter": parsed,
        "process": query.get("process", ""),
        "jobs": jobs,
        "running": [work_row(work, visit.access, states.get(work.job.jid)) for work in jobs.items],
        "runs": len(state.work),
    }


def _is_chosen(process: Process, query: Mapping[str, str]) -> bool:
    return all(text(process[field]) == query[name] for name, field in FACETS.items() if query.get(name))


def _jobs(state: State, query: Mapping[str, str], parsed: words.Parsed) -> Sequence[Running]:
    if parsed.problems:
        return []
    found = state.work if parsed.is_any else state.matching(parsed.conditions)
    process = query.get("process")
    return [work for work in found if printable(work.process_id) == process] if process else found


async def _states(jobs: Sequence[Running], config: Config) -> Mapping[str, IterableState]:
    """Return how far the iterable ones among some jobs have come. One round trip."""
    jids = [work.job.jid for work in jobs if work.job.jid]
    if not jids:
        return {}
    try:
        found = await AsyncIterableJobQuery.fetch(jids, config=config)
    except ValueError:  # one holds no numbers: the jobs are shown without their states
        return {}
    return {jid: state for jid in jids if (state := found[jid]) is not None}


def _lately(site: Site) -> Trail:
    """Return how many jobs ran in the last minutes, as the stream of any page has seen it."""
    return trail_of((sample.at, sample.stats["workers_size"]) for sample in live.Sampler.of(site).recent)


def _totals(processes: Sequence[Process]) -> dict[str, int]:
    threads, running = sum(map(threads_of, processes)), sum(whole(process.busy) for process in processes)
    return {
        "processes": len(processes),
        "threads": threads,
        "busy": running,
        "use": percent(running, threads),
        "memory": sum(whole(process.rss) for process in processes) * 1024,
    }


def _facets(processes: Sequence[Process], name: str, query: Mapping[str, str]) -> list[Facet]:
    """Return the values that most processes have, and the one that is chosen; none if all are alike."""
    counts = Counter(text(process[FACETS[name]]) for process in processes)
    counts.pop("", None)
    chosen = query.get(name, "")
    if len(counts) < 2 and not chosen:
        return []
    values = [value for value, _ in counts.most_common(_MOST_FACETS)]
    if chosen and chosen not in values:
        values.append(chosen)
    return [Facet(value, counts[value], value == chosen) for value in values]


async def act(request: Request) -> Response:
    """POST /busy: a verb for one process (`identity`), else for all once that is confirmed."""
    form = await read_form(request)
    verb = next((name for name in _ONE if name in form), None)
    if verb is None:
        raise HTTPException(400)
    must_may(visit_of(request), "process")
    identity = form.get("identity", [""])[0]
    return await _act_on(request, form, identity, verb) if identity else await _act_on_all(request, form, verb)


async def act_on_one(request: Request) -> Response:
    """POST /busy/IDENTITY/VERB."""
    form, verb = await read_form(request), request.path_params["verb"]
    if verb not in _ONE:
        raise HTTPException(404)
    must_may(visit_of(request), "process")
    return await _act_on(request, form, from_path(request.path_params["identity"]), verb)


async def _act_on(request: Request, form: Form, identity: str, verb: str) -> Response:
    visit = visit_of(request)
    process = await AsyncProcessSet(clean=False, config=visit.config).get(identity)
    if process is None:
        return _back(visit, form, visit.flash("busy.gone"))
    await _ONE[verb](process)
    actions.recorded(request, verb, "processes", count=1, of="processes", filter=printable(identity))
    return _back(visit, form, visit.flash(f"busy.told_{verb}", count=1))


async def _act_on_all(request: Request, form: Form, verb: str) -> Response:
    visit = visit_of(request)
    processes = [process async for process in AsyncProcessSet(config=visit.config)]
    total = sum(verb == "dump" or not process.embedded for process in processes)
    question = Question(
        words=visit.words(f"busy.sure_{verb}", count=total),
        why=[visit.words(f"busy.sure_{verb}_why")],
        total=total,
        path="busy",
        fields={verb: "yes"},
        button=visit.words(f"busy.do_{verb}_all"),
        back="busy",
    )
    if not is_confirmed(form, typed=question.is_typed):
        actions.recorded(request, verb, "processes", count=total, of="processes", dry_run=True)
        return await asked(request, form, question)
    told = await _ALL[verb](AsyncFleet(config=visit.config))
    actions.recorded(request, verb, "processes", count=told, of="processes")
    return visit.redirect("busy", flash=visit.flash(f"busy.told_{verb}", count=told))


async def cancel(request: Request) -> Response:
    """POST /busy/jobs/JID/cancel: a job that runs is told to stop; one that waits again is taken away."""
    visit, form = visit_of(request), await read_form(request)
    must_may(visit, "kill")
    jid = from_path(request.path_params["jid"])
    where = await AsyncClient(visit.config).cancel(jid)
    actions.recorded(request, "cancel", "busy", count=1, filter=actions.of_jids([jid]))
    said = "marked" if where is None else "working" if where == "working" else "waiting"
    return _back(visit, form, visit.flash(f"busy.cancel_{said}"))


def _back(visit: Visit, form: Form, flash: str) -> Response:
    kept = {name: form[name][0] for name in _KEPT if form.get(name, [""])[0]}
    return visit.redirect("busy", **kept, flash=flash)


PAGES = Pages(
    routes=(
        Route("/busy", shared(busy)),
        Route("/busy", act, methods=["POST"]),
        Route("/busy/jobs/{jid}/cancel", cancel, methods=["POST"]),
        Route("/busy/{identity}/{verb}", act_on_one, methods=["POST"]),
    ),
    tab=Tab("busy", "nav.busy", 10),
)
