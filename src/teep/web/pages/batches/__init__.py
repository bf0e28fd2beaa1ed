"""Batches: how far each is, what of it has failed, its callbacks and its family; and what is done to it."""

from pathlib import Path

from starlette.routing import Route

from teep.api.batches import AsyncBatchSet
from teep.web.known.presence import used
from teep.web.pages.batches.actions import act
from teep.web.pages.batches.lists import BATCHES
from teep.web.pages.batches.one import show_one
from teep.web.registry import Pages, Tab
from teep.web.rendering.shared import shared

PAGES = (
    Pages(
        routes=(
            Route("/batches", shared(BATCHES.show)),
            Route("/batches/{bid}", shared(show_one)),
            Route("/batches/{bid}", act, methods=["POST"]),
        ),
        tab=Tab("batches", "nav.batches", 72, used("batches", lambda config: AsyncBatchSet(config=config).size())),
        static=Path(__file__).parent / "static",
    ),
)
