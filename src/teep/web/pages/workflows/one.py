"""One workflow: its graph, its nodes, and what it is as a batch."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from teep.api.workflows import AsyncWorkflowStatus, NodeStatus
from teep.config import Config
from teep.web.pages.batches.one import view_of
from teep.web.pages.batches.rows import BatchRow
from teep.web.pages.batches.rows import row_of as batch_row_of
from teep.web.pages.fleet.numbered import Numbered, numbered
from teep.web.pages.workflows.drawing import HEIGHT, WIDTH, drawn
from teep.web.pages.workflows.nodes import STATES as NODE_STATES
from teep.web.pages.workflows.nodes import counts_of, narrowed
from teep.web.pages.workflows.nodes import row_of as node_row_of
from teep.web.rendering import page_with, printable, visit_of

STATES = {"running": "plain", "success": "good", "failed": "bad", "cancelled": "warn"}
"""The states that a workflow may be in, and how each is shown."""

_SIZE = 50


def row_of(status: AsyncWorkflowStatus) -> BatchRow:
    """Return what a list shows of a workflow: that of its batch, under its own name and state."""
    name = printable(str(status.name or status.batch.description or ""))
    word, kind = f"workflows.state_{status.state}", STATES.get(status.state, "plain")
    return batch_row_of(status.batch)._replace(description=name, word=word, kind=kind)


async def show_one(request: Request) -> Response:
    """GET /workflows/BID: one of them; `state`, `group`, `layers` and `q` choose the nodes that are listed."""
    visit, query = visit_of(request), request.query_params
    status = await must_find(visit.config, request.path_params["bid"])
    nodes: Numbered[NodeStatus] = numbered(narrowed(status, query), query, "page", _SIZE)

    async def reading() -> dict[str, Any]:
        return {"batch": await view_of(visit.config, status.batch)}

    return await page_with(
        request, "workflows/workflow.html", reading(), row=row_of(status), state=status.state, picture=drawn(status),
        box=(WIDTH, HEIGHT), counts=counts_of(status.nodes), kinds=NODE_STATES, shown=nodes,
        nodes=[node_row_of(node) for node in nodes.items],
        here={name: query[name] for name in ("state", "group", "layers", "q", "page") if query.get(name)},
    )  # fmt: skip


async def must_find(config: Config, bid: str) -> AsyncWorkflowStatus:
    """Return a workflow with its nodes. One round trip.

    Raises:
        HTTPException: 404, there is none.
    """
    try:
        status = await AsyncWorkflowStatus.fetch(bid, config=config)
    except ValueError:  # no bid
        raise HTTPException(404) from None
    if status.state == "unknown":
        raise HTTPException(404)
    return status
