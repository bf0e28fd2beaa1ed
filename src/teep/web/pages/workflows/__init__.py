"""Workflows: how far each is, its graph, what each node waits for; and what is done to it."""

from pathlib import Path

from starlette.routing import Route

from teep.api.workflows import AsyncWorkflowSet, AsyncWorkflowStatus
from teep.web.known.presence import used
from teep.web.pages.batches.lists import Lists
from teep.web.pages.workflows.actions import act
from teep.web.pages.workflows.one import STATES, row_of, show_one
from teep.web.registry import Pages, Tab
from teep.web.rendering.shared import shared

WORKFLOWS: Lists[AsyncWorkflowStatus] = Lists(
    "workflows", lambda config: AsyncWorkflowSet(config=config), STATES, row_of
)

PAGES = (
    Pages(
        routes=(
            Route("/workflows", shared(WORKFLOWS.show)),
            Route("/workflows/{bid}", shared(show_one)),
            Route("/workflows/{bid}", act, methods=["POST"]),
        ),
        tab=Tab(
            "workflows", "nav.workflows", 73, used("workflows", lambda config: AsyncWorkflowSet(config=config).size())
        ),
        static=Path(__file__).parent / "static",
    ),
)
