"""Periodic jobs: when each is due, how its last runs went, and what is done to it."""

from starlette.routing import Route

from teep.web.pages.periodic.actions import act, save, show_form
from teep.web.pages.periodic.entries import show_all, show_one
from teep.web.registry import Pages, Tab
from teep.web.rendering.shared import shared

PAGES = (
    Pages(
        routes=(
            Route("/periodic", shared(show_all)),
            Route("/periodic/-/new", show_form),
            Route("/periodic/-/new", save, methods=["POST"]),
            Route("/periodic/{name}", shared(show_one)),
            Route("/periodic/{name}", act, methods=["POST"]),
            Route("/periodic/{name}/edit", show_form),
            Route("/periodic/{name}/edit", save, methods=["POST"]),
        ),
        tab=Tab("periodic", "nav.periodic", 74),
    ),
)
