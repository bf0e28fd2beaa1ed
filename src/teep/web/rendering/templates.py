"""Pages out of templates: escaped without exception, with what every page shows."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2
from jinja2.ext import Extension
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from teep.api import AsyncStats
from teep.config import Config
from teep.config.connections import redis_in_words
from teep.version import __version__
from teep.web import urls
from teep.web.guard.access import Access
from teep.web.guard.safety import Signer
from teep.web.registry import JobRows, Tab
from teep.web.rendering.assets import Assets
from teep.web.rendering.words import Words

OWN_TEMPLATES = Path(__file__).parents[1] / "templates"
THEMES = ("auto", "light", "dark")
KEYS = ("on", "off")
"""Whether a key alone does something: for those that speak to the machine, it does so unasked."""


@dataclass(frozen=True)
class Site:
    """What all visits of one app share."""

    config: Config
    templates: jinja2.Environment
    assets: Assets
    tabs: Sequence[Tab]
    read_only: bool
    job_rows: Sequence[JobRows] = ()
    """What users tell of jobs besides."""
    shared: dict[str, Any] = field(default_factory=dict)
    """What a part keeps for as long as the app lives, by its name: the sampler, actions under way."""

    @property
    def paths(self) -> set[str]:
        """Where its tabs lead."""
        return {tab.path for tab in self.tabs}


@dataclass(frozen=True)
class Visit:
    """One request as the pages see it: who asks, in which language, and from where links lead."""

    site: Site
    path: str
    depth: int
    nonce: str
    access: Access
    words: Words
    signer: Signer
    live: str
    """How it hears of changes: "sse", or "poll" where a stream would hold a thread."""

    @property
    def config(self) -> Config:
        return self.site.config

    def url(self, path: str = "", **query: Any) -> str:
        """Return the relative URL of a path of the app, such as `url("queues", page=2)`."""
        return urls.relative(self.depth, path, query)

    def redirect(self, path: str = "", **query: Any) -> Response:
        """Send the browser to another page, after a form: `flash=self.flash(…)` tells there what was done."""
        response = RedirectResponse(self.url(path, **query), 303)
        response.headers["Location"] = self.url(path, **query)  # as it is: Starlette quotes it once more
        return response

    def flash(self, key: str, **values: Any) -> str:
        """Return a sentence for the next page: a key of the translations, and its values."""
        return self.signer.sign([key, values])


def visit_of(request: Request) -> Visit:
    """Return the visit that a request is."""
    visit: Visit = request.scope["teep.visit"]
    return visit


class _Unindented(Extension):
    """Leaves out the indentation of the page's own templates: a tenth of a long list is nothing else.

    Users' templates stay as they are: theirs may have a `<pre>`.
    """

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        del name
        own = filename is not None and Path(filename).is_relative_to(OWN_TEMPLATES)
        return re.sub(r"^[ \t]+", "", source, flags=re.MULTILINE) if own else source


@cache
def environment(folders: tuple[Path, ...]) -> jinja2.Environment:
    """Return the environment of the templates, those of earlier folders first; apps with the same ones share it."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=(_Unindented,),
    )
    made.globals.update(
        version=__version__,
        themes=THEMES,
        all_keys=KEYS,
        to_path=urls.to_path,
        printable=printable,
    )
    return made


async def page(request: Request, template: str, /, *, status: int = 200, **context: Any) -> Response:
    """Answer with a whole page: the template's values, and the summary of Redis that stands on each."""
    return HTMLResponse(_render(request, template, {**context, **await _on_each_page(visit_of(request))}), status)


async def page_with(request: Request, template: str, reading: Any, /, **context: Any) -> Response:
    """Answer with a page whose values (a dict) are read while the summary is."""
    values, more = await asyncio.gather(reading, _on_each_page(visit_of(request)))
    return HTMLResponse(_render(request, template, {**context, **values, **more}))


async def _on_each_page(visit: Visit) -> dict[str, Any]:
    """Read what stands on each page: the summary, and the tabs of what is used."""
    asking = [tab for tab in visit.site.tabs if tab.is_used is not None]
    summary, *used = await asyncio.gather(
        AsyncStats(config=visit.config).fetch_stats(), *(tab.is_used(visit.site) for tab in asking if tab.is_used)
    )
    unused = {tab for tab, is_used in zip(asking, used, strict=True) if not is_used}
    return {"summary": summary, "tabs": [tab for tab in visit.site.tabs if tab not in unused]}


def fragment(request: Request, template: str, /, *, status: int = 200, **context: Any) -> Response:
    """Answer with a part of a page, for what is swapped into one."""
    return HTMLResponse(_render(request, template, {"summary": None, **context}), status)


def render(visit: Visit, template: str, context: Mapping[str, Any]) -> str:
    """Return what a template says to a visit, with no request at hand."""
    now = datetime.now(UTC)
    return visit.site.templates.get_template(template).render(
        {"visit": visit, "access": visit.access, "url": visit.url, "t": visit.words, "now": now, **context}
    )


def _render(request: Request, template: str, context: Mapping[str, Any]) -> str:
    visit = visit_of(request)
    theme, keys = request.cookies.get("teep_theme"), request.cookies.get("teep_keys")
    return render(
        visit,
        template,
        {
            "flash": _flash(visit, request.query_params.get("flash", "")),
            "tabs": [tab for tab in visit.site.tabs if tab.is_used is None],
            "languages": visit.words.languages,
            "token": visit.signer.form_token(visit.access.who),
            "theme": theme if theme in THEMES else THEMES[0],
            "keys": keys if keys in KEYS else KEYS[0],
            "asset": lambda name: visit.url(visit.site.assets.path(name)),
            "redis": redis_in_words(visit.config) if visit.access.read else "",  # nobody's business but theirs
            "environment": "" if visit.config.environment == "production" else visit.config.environment,
            "back": _here(request),
            **context,
        },
    )


def _flash(visit: Visit, signed: str) -> str | None:
    told = visit.signer.read(signed)
    try:
        return None if told is None else visit.words(told[0], **told[1])
    except KeyError:  # another version of teep signed it, whose words are others
        return None


def _here(request: Request) -> str:
    """Return the path of a page within the app, with its query, but for the sentence that is told once.

    Of what came by a form, and cannot be asked for again, it is the page that the form was on, or near it.
    """
    if request.method != "GET":
        return printable("/".join(visit_of(request).path.split("/")[:2]))
    asked = [(name, value) for name, value in request.query_params.multi_items() if name != "flash"]
    query = urlencode(asked, errors="surrogateescape")
    return printable(visit_of(request).path) + (f"?{query}" if query else "")


def printable(text: str) -> str:
    """Return a string out of Redis as a page may hold it: lone surrogates have no bytes, and NUL no place in HTML."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
