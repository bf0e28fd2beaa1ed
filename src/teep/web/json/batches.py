"""Batches for programs."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from teep.api.batches import AsyncBatchStatus
from teep.web.actions import must_may
from teep.web.bulks import Bulk
from teep.web.json.answers import Refused, answer, field, read, stamp
from teep.web.json.endpoints import BOOLEAN, NUMBER, STRING, WHOLE, Endpoint, Schema, maybe, some, thing
from teep.web.json.reads import action_of
from teep.web.pages.batches.actions import VERBS, carry_out
from teep.web.pages.batches.lists import BATCHES
from teep.web.pages.batches.one import EVENTS, MOST, must_find
from teep.web.pages.batches.rows import STATES
from teep.web.rendering import visit_of


async def show_all(request: Request) -> Response:
    """A page of the batches, or those that have a tag or are in a state."""
    query = request.query_params
    if query.get("state") and query["state"] not in STATES:
        raise Refused(400, f"state must be one of {', '.join(STATES)}, not {query['state']!r}")
    listed = await BATCHES.read(visit_of(request).config, query)
    return answer({
        "batches": [_told(status) for status in listed.found], "total": listed.total, "looked_at": listed.looked_at,
        "next": listed.next,
    })  # fmt: skip


async def show_one(request: Request) -> Response:
    """One batch, with some of the jobs that have failed, its callbacks and its children."""
    status = await must_find(visit_of(request).config, request.path_params["bid"])
    seen = await status.glimpse(MOST)
    callbacks = [callback for event in EVENTS for callback in status.callbacks.get(event, ())]
    return answer({
        **_told(status), "open_children": status.open_children, "blocks": seen.blocks,
        "expires_at": stamp(seen.expires_at), "dead_jids": seen.dead, "failed_jids": seen.failed,
        "children": seen.children, "fallen": seen.fallen,
        "events": {event: stamp(status.fired_at(event)) for event in EVENTS},
        "callbacks": [{"event": one.event, "class": one.klass, "jid": one.jid} for one in callbacks],
    })  # fmt: skip


async def act(request: Request) -> Response:
    """One verb for one batch."""
    body = await read(request)
    verb = field(body, "action", str, "")
    if verb not in VERBS:
        raise Refused(400, f"action must be {' or '.join(VERBS)}, not {verb!r}")
    must_may(visit_of(request), "batch")
    done = await carry_out(request, request.path_params["bid"], verb)
    if isinstance(done, Bulk):
        return answer({"done": None, "action": action_of(done)}, 202)
    return answer({"done": done, "action": None})


def _told(status: AsyncBatchStatus) -> dict[str, Any]:
    return {
        "bid": status.bid, "description": status.description, "tags": status.tags, "state": status.state,
        "total": status.total, "pending": status.pending, "failures": status.failures, "dead": status.dead,
        "discarded": status.discarded, "progress": status.progress, "invalid": status.invalid,
        "abandoned": status.abandoned, "parent": status.parent, "created_at": stamp(status.created_at),
        "finished_at": stamp(status.finished_at),
    }  # fmt: skip


_BATCH: dict[str, Schema] = {
    "bid": STRING, "description": maybe(STRING), "tags": some(STRING), "state": STRING, "total": WHOLE,
    "pending": WHOLE, "failures": WHOLE, "dead": WHOLE, "discarded": WHOLE, "progress": NUMBER, "invalid": BOOLEAN,
    "abandoned": BOOLEAN, "parent": maybe(STRING), "created_at": maybe(STRING), "finished_at": maybe(STRING),
}  # fmt: skip
_ACTION = thing(id=STRING, action=STRING, state=STRING, looked_at=WHOLE, out_of=WHOLE)

ENDPOINTS = (
    Endpoint("GET", "/api/batches", show_all, "The batches, the newest first.",
             thing(batches=some(thing(**_BATCH)), total=WHOLE, looked_at=WHOLE, next=maybe(WHOLE)),
             {"page": "The number of a page of 25.", "tag": "One of their tags.",
              "state": f"One of {', '.join(STATES)}.",
              "from": "With `tag` or `state`: where the search before says `next`."}),
    Endpoint("GET", "/api/batches/{bid}", show_one, f"One batch; of failed jobs and of children up to {MOST} each.",
             thing(**_BATCH, open_children=WHOLE, blocks=WHOLE, expires_at=maybe(STRING), dead_jids=some(STRING),
                   failed_jids=some(STRING), children=some(STRING), fallen=some(STRING),
                   events=thing(**dict.fromkeys(EVENTS, maybe(STRING))),
                   callbacks=some(thing(event=STRING, **{"class": STRING}, jid=STRING)))),
    Endpoint("POST", "/api/batches/{bid}", act,
             "Have the jobs of a batch skipped, retry those that failed, look for lost ones, or forget it.",
             thing(done=maybe(WHOLE), action=maybe(_ACTION)),
             takes=thing(action={"type": "string", "enum": list(VERBS)}),
             later="It goes on in the background; `action` says how far it is."),
)  # fmt: skip
