"""Pages out of templates, in a visitor's language, with static files that browsers keep."""

from teep.web.rendering.templates import (
    KEYS,
    OWN_TEMPLATES,
    THEMES,
    Site,
    Visit,
    environment,
    fragment,
    page,
    page_with,
    printable,
    render,
    visit_of,
)

__all__ = [
    "KEYS",
    "OWN_TEMPLATES",
    "THEMES",
    "Site",
    "Visit",
    "environment",
    "fragment",
    "page",
    "page_with",
    "printable",
    "render",
    "visit_of",
]
