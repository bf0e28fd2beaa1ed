"""What programs ask for: /prometheus, and the JSON API below /api."""

from collections.abc import Iterator
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from teep.api.timeline import SERIES
from teep.web.json import batches, limits, periodic, reads, workflows, writes
from teep.web.json.answers import answer
from teep.web.json.autoscale import autoscale
from teep.web.json.endpoints import ANY, BOOLEAN, NUMBER, STRING, WHOLE, Endpoint, maybe, openapi, some, thing
from teep.web.json.prometheus import prometheus
from teep.web.pages.jobsets import JOBSETS, JobSetPage
from teep.web.registry import Pages

_PERIOD = {"period": "1h, 2h, 4h, 8h, 24h, 48h or 72h."}
_LIST = {
    "q": "A filter, as the page takes it: class:Import* error:Timeout older:1h any words.",
    "count": "25, 50 or 100.",
    "after": "Where the page before says `next`.",
    "before": "Where a page says `previous`.",
}
_DAYS = {"type": "object", "additionalProperties": WHOLE}
_DEPLOYS = some(thing(at=STRING, label=STRING))
_TOTALS = {"runs": NUMBER, "failed": NUMBER, "seconds": NUMBER, "average": NUMBER}
_QUEUE = thing(name=STRING, size=WHOLE, latency=NUMBER, paused=BOOLEAN)
_JOB = thing(
    key=STRING, at=maybe(STRING), **{"class": STRING}, jid=STRING, queue=STRING, arguments=ANY, tags=some(STRING),
    error_class=STRING, error_message=STRING, retry_count=maybe(WHOLE),
)  # fmt: skip
_ACTION = thing(
    id=STRING, action=STRING, set=STRING, q=STRING, state=STRING, looked_at=WHOLE, out_of=WHOLE, done=maybe(WHOLE),
    problem=STRING,
)  # fmt: skip
_STATS = thing(**dict.fromkeys(
    ("processed", "failed", "expired", "enqueued", "scheduled_size", "retry_size", "dead_size", "processes_size",
     "workers_size"), WHOLE), default_queue_latency=NUMBER)  # fmt: skip
_DONE = thing(done=WHOLE, gone=WHOLE)


def _of_jobset(of: JobSetPage) -> Iterator[Endpoint]:
    path, names = f"/api/{of.name}", [action.name for action in of.actions]
    verb = {"type": "string", "enum": names}
    page = thing(
        jobs=some(_JOB), total=WHOLE, looked_at=WHOLE, complete=BOOLEAN, next=maybe(STRING), previous=maybe(STRING)
    )
    counted = thing(matching=WHOLE, done=maybe(WHOLE), action=maybe(_ACTION))
    matching = {
        "type": "object",
        "required": ["action"],
        "properties": {"action": verb, "q": STRING, "confirm": WHOLE},
    }
    yield Endpoint("GET", path, partial(reads.jobs, of), f"A page of {of.name} jobs.", page, _LIST)
    yield Endpoint("POST", path, partial(writes.act, of), "Act on the jobs of some keys.", _DONE,
                   takes=thing(action=verb, keys=some(STRING)))  # fmt: skip
    yield Endpoint("POST", f"{path}/all", partial(writes.act_on_all, of),
                   "Count what matches; act if `confirm` is that number.", counted, takes=matching,
                   later="It goes on in the background; `action` says how far it is.")  # fmt: skip
    yield Endpoint("GET", f"{path}/{{key}}", partial(reads.job, of), "One job.", _JOB)
    yield Endpoint("POST", f"{path}/{{key}}", partial(writes.act_on_one, of), "Act on one job.", _DONE,
                   takes=thing(action=verb))  # fmt: skip


ENDPOINTS = (
    Endpoint("GET", "/api/stats", reads.stats, "Counters, and how many jobs lie where.", _STATS),
    Endpoint("GET", "/api/history", reads.history, "Runs by UTC day.",
             thing(processed=_DAYS, failed=_DAYS, expired=_DAYS), {"days": "1 to 180; default: 30."}),
    Endpoint("GET", "/api/timeline", reads.timeline, "The fleet in steps, as its leader recorded it; null is a gap.",
             thing(step=NUMBER, starts=some(STRING), **dict.fromkeys(SERIES, some(maybe(NUMBER))), queues=ANY,
                   gauges=ANY),
             {"last": "Seconds back, up to 90 days; default: 3600.", "step": "Seconds of a step; whole minutes."}),
    Endpoint("GET", "/api/queues", reads.queues, "Every queue, the largest first.", thing(queues=some(_QUEUE))),
    Endpoint("GET", "/api/server", reads.server, "The Redis or Valkey server.", thing(
        name=STRING, version=STRING, uptime=WHOLE, connections=WHOLE, memory=WHOLE, peak=WHOLE, limit=WHOLE,
        policy=STRING)),
    Endpoint("GET", "/api/metrics", reads.metrics, "Classes by the time that they took.",
             thing(period=STRING, jobs=some(thing(**{"class": STRING}, **_TOTALS)), deploys=_DEPLOYS),
             {**_PERIOD, "q": "A part of the class's name."}),
    Endpoint("GET", "/api/metrics/{klass}", reads.metrics_of, "One class by time.",
             thing(**{"class": STRING}, period=STRING, **_TOTALS, buckets=some(STRING), series=ANY, histograms=ANY,
                   deploys=_DEPLOYS), _PERIOD),
    Endpoint("GET", "/api/profiles", reads.profiles, "Profiles of the last day; the data are at /profiles/KEY/data.",
             thing(profiles=some(ANY))),
    Endpoint("GET", "/api/autoscale", autoscale, "How much there is to do for how many threads.",
             thing(queues=some(STRING), waiting=WHOLE, running=WHOLE, overdue=WHOLE, latency=NUMBER, threads=WHOLE,
                   utilization=NUMBER, load=NUMBER, desired=WHOLE),
             {"queue": "A queue; may be given again. Default: all.", "threads": "Threads of a replica."}),
    Endpoint("POST", "/api/push", writes.push, "Push a job; jid is null if a middleware or a lock stopped it.",
             thing(jid=maybe(STRING), queue=STRING),
             takes={"type": "object", "required": ["class"], "properties": {
                 "class": STRING, "args": some(ANY), "queue": STRING, "in": STRING}}),
    Endpoint("GET", "/api/actions/{id}", reads.action, "How far an action on many jobs is.", _ACTION),
    Endpoint("POST", "/api/actions/{id}/cancel", writes.cancel, "Stop an action on many jobs.", _ACTION),
    *periodic.ENDPOINTS,
    *batches.ENDPOINTS,
    *workflows.ENDPOINTS,
    *limits.ENDPOINTS,
    *(endpoint for of in JOBSETS for endpoint in _of_jobset(of)),
)  # fmt: skip

_DESCRIPTION = openapi(ENDPOINTS)


async def described(_request: Request) -> Response:
    """GET /api/openapi.json: what there is."""
    return answer(_DESCRIPTION)


PAGES = (
    Pages(
        routes=(
            Route("/prometheus", prometheus),
            Route("/api/openapi.json", described),
            *(endpoint.route for endpoint in ENDPOINTS),
        )
    ),
)
