"""Workflows for programs."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from teep.api.workflows import AsyncWorkflowStatus, NodeStatus
from teep.web.actions import must_may
from teep.web.json.answers import Refused, answer, field, read, stamp
from teep.web.json.endpoints import BOOLEAN, NUMBER, STRING, WHOLE, Endpoint, Schema, maybe, some, thing
from teep.web.pages.fleet.numbered import Numbered, numbered
from teep.web.pages.workflows import WORKFLOWS
from teep.web.pages.workflows.actions import VERBS, carry_out
from teep.web.pages.workflows.nodes import STATES as NODE_STATES
from teep.web.pages.workflows.nodes import counts_of, narrowed
from teep.web.pages.workflows.one import STATES, must_find
from teep.web.rendering import visit_of

_SIZE = 500


async def show_all(request: Request) -> Response:
    """A page of the workflows, or those that have a tag or are in a state."""
    query = request.query_params
    if query.get("state") and query["state"] not in STATES:
        raise Refused(400, f"state must be one of {', '.join(STATES)}, not {query['state']!r}")
    listed = await WORKFLOWS.read(visit_of(request).config, query)
    return answer({
        "workflows": [_told(status) for status in listed.found], "total": listed.total,
        "looked_at": listed.looked_at, "next": listed.next,
    })  # fmt: skip


async def show_one(request: Request) -> Response:
    """One workflow, and its nodes."""
    status = await must_find(visit_of(request).config, request.path_params["bid"])
    query = request.query_params
    nodes: Numbered[NodeStatus] = numbered(narrowed(status, query), query, "page", _SIZE)
    return answer({
        **_told(status), "states": counts_of(status.nodes), "groups": status.groups, "matching": nodes.total,
        "nodes": [_node(node) for node in nodes.items],
    })  # fmt: skip


async def act(request: Request) -> Response:
    """One verb for one workflow, or a node of it."""
    body = await read(request)
    verb = field(body, "action", str, "")
    if verb not in VERBS:
        raise Refused(400, f"action must be {' or '.join(VERBS)}, not {verb!r}")
    must_may(visit_of(request), "batch")
    name = field(body, "node", str, "")
    if verb == "retry" and not name:
        raise Refused(400, "node must be the name of the node to retry; retry_rest retries all that did not succeed")
    return answer({"done": await carry_out(request, request.path_params["bid"], verb, name)})


def _told(status: AsyncWorkflowStatus) -> dict[str, Any]:
    batch = status.batch
    return {
        "bid": status.bid, "name": status.name, "tags": [str(tag) for tag in status.tags], "state": status.state,
        "progress": status.progress, "total": batch.total, "parent": batch.parent,
        "created_at": stamp(batch.created_at), "finished_at": stamp(batch.finished_at),
    }  # fmt: skip


def _node(node: NodeStatus) -> dict[str, Any]:
    return {
        "name": node.name, "class": node.klass, "queue": node.queue, "jid": node.jid, "group": node.group,
        "state": node.state, "failing": node.is_failing, "since": stamp(node.since), "delay": node.delay,
        "after": node.after, "waits_for": node.waits_for, "children": node.children,
    }  # fmt: skip


_WORKFLOW: dict[str, Schema] = {
    "bid": STRING, "name": STRING, "tags": some(STRING), "state": STRING, "progress": NUMBER, "total": WHOLE,
    "parent": maybe(STRING), "created_at": maybe(STRING), "finished_at": maybe(STRING),
}  # fmt: skip
_NAMES: Schema = {"type": "object", "additionalProperties": some(STRING)}
_NODE = thing(
    name=STRING, **{"class": STRING}, queue=STRING, jid=STRING, group=maybe(STRING), state=STRING, failing=BOOLEAN,
    since=STRING, delay=NUMBER, after={"type": "object", "additionalProperties": STRING}, waits_for=some(STRING),
    children=some(STRING),
)  # fmt: skip

ENDPOINTS = (
    Endpoint("GET", "/api/workflows", show_all, "The workflows, the newest first.",
             thing(workflows=some(thing(**_WORKFLOW)), total=WHOLE, looked_at=WHOLE, next=maybe(WHOLE)),
             {"page": "The number of a page of 25.", "tag": "One of their tags.",
              "state": f"One of {', '.join(STATES)}.",
              "from": "With `tag` or `state`: where the search before says `next`."}),
    Endpoint("GET", "/api/workflows/{bid}", show_one, f"One workflow, and {_SIZE} of its nodes.",
             thing(**_WORKFLOW, states=thing(**dict.fromkeys(NODE_STATES, WHOLE)), groups=_NAMES, matching=WHOLE,
                   nodes=some(_NODE)),
             {"state": f"Nodes in a state: {', '.join(NODE_STATES)}.", "group": "Nodes of a group.",
              "q": "A part of a node's name or class.", "page": f"The number of a page of {_SIZE} nodes."}),
    Endpoint("POST", "/api/workflows/{bid}", act,
             "Cancel a workflow, retry a `node` or all that did not succeed, or forget it.", thing(done=WHOLE),
             takes={"type": "object", "required": ["action"], "properties": {
                 "action": {"type": "string", "enum": list(VERBS)}, "node": STRING}}),
)  # fmt: skip
