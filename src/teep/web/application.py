"""The app: who asks, what is asked for, and an answer in words whatever goes wrong."""

import logging
import secrets
from collections.abc import Sequence
from urllib.parse import parse_qs, quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, Router
from starlette.types import Message, Receive, Scope, Send

from teep.api.web import AsyncWebSecret
from teep.config import Config, default_config
from teep.drivers.together import together
from teep.errors import RedisError, RedisUnavailable, TeepError
from teep.web import rendering, urls
from teep.web.guard import safety
from teep.web.guard.access import Access, Arguments, Authorize, access_of
from teep.web.json import answers
from teep.web.registry import Pages, own_pages
from teep.web.rendering import KEYS, OWN_TEMPLATES, THEMES, Site, Visit
from teep.web.rendering.assets import OWN, assets_of
from teep.web.rendering.shared import SharedPages
from teep.web.rendering.words import Catalogue

logger = logging.getLogger("teep.web")

_NOBODY = Access(read=False)
# What of a query may stand in a redirect as it came.
_ASKED = "%&=+,;:@/?!$'()*-._~[]"
_YEAR = 365 * 86_400
# Errors that have words of their own; others are told as what they are nearest to.
_TOLD = (400, 401, 403, 404, 405, 409, 413, 500, 503)


class WebApp:
    """The web page as an ASGI app; see `teep.web.app`, which makes it."""

    def __init__(
        self,
        config: Config | None,
        authorize: "Authorize | None",
        pages: Sequence[Pages],
        *,
        read_only: bool,
        arguments: Arguments,
    ) -> None:
        self._config = config
        self._authorize = authorize
        self._arguments: Arguments = Access(arguments=arguments).arguments
        brought = [*own_pages(), *pages]
        self._catalogue = Catalogue(some.words for some in brought)
        self._assets = assets_of((OWN, *(some.static for some in brought if some.static)))
        self._templates = rendering.environment(
            (OWN_TEMPLATES, *(some.templates for some in brought if some.templates))
        )
        self._tabs = sorted((some.tab for some in brought if some.tab), key=lambda tab: tab.order)
        self._read_only = read_only
        self._job_rows = [some.job_rows for some in brought if some.job_rows]
        self._site: Site | None = None
        self._signer: safety.Signer | None = None
        self._own_signer = safety.Signer(secrets.token_bytes())
        self._router = Router(self._routes(brought), redirect_slashes=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._router.lifespan(scope, receive, send)
            return
        if scope["type"] != "http":
            raise RuntimeError(f"the web page speaks HTTP, not {scope['type']}")
        nonce = safety.new_nonce()
        inner = self._own_scope(scope)
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await safety.guarded(send, nonce)(message)

        request = Request(inner, receive)
        try:
            response = await self._answer(request, nonce)
            if response is None:
                await self._routed(request, inner, noting)
                return
        except Exception as error:
            if started:
                raise
            response = await self._failed(request, nonce, error)
        await response(inner, receive, noting)

    async def _routed(self, request: Request, scope: Scope, send: Send) -> None:
        """Let a page answer. What it changes is seen on every page by the time that the visitor hears of it."""
        if request.method in safety.SAFE_METHODS:
            with together():
                await self._router(scope, request.receive, send)
            return
        pages = SharedPages.of(self.site)

        async def changing(message: Message) -> None:
            pages.changed()
            await send(message)

        try:
            await self._router(scope, request.receive, changing)
        finally:
            pages.changed()

    @property
    def site(self) -> Site:
        """What all visits share."""
        if self._site is None:
            config = self._config or default_config()
            self._site = Site(config, self._templates, self._assets, self._tabs, self._read_only, self._job_rows)
        return self._site

    def _routes(self, brought: Sequence[Pages]) -> list[BaseRoute]:
        return [
            Route("/static/{name}", self._assets.serve),
            Route("/preferences", _preferences, methods=["POST"]),
            Route("/change_locale", _preferences, methods=["POST"]),
            *(route for some in brought for route in some.routes),
        ]

    def _own_scope(self, scope: Scope) -> Scope:
        """Return the scope with nothing in it of the app that this one is mounted in but the path."""
        apart = {name: value for name, value in scope.items() if not name.startswith("starlette.")}
        return {**apart, "app": self, "path_params": {}, "state": dict(scope.get("state", {}))}

    async def _answer(self, request: Request, nonce: str) -> Response | None:
        """Return the answer that no page has to give; None: a page has."""
        path = urls.route_path(request.scope)
        if request.method == "HEAD" and path in ("", "/"):
            return Response(media_type="text/html")  # it lives, and asks Redis nothing, and no visitor for a name
        request.scope["teep.visit"] = self._visit(request, path, nonce, _NOBODY, safety.Signer(secrets.token_bytes()))
        if path.startswith("/static/") and path.count("/") == 2 and request.method in safety.SAFE_METHODS:
            return None  # a file that nobody has to log in for; what else others put there they guard as all pages
        if not path:
            raise _Elsewhere(request.scope["root_path"].rpartition("/")[2] + "/")
        if path.endswith("/") and len(path) > 1 and "//" not in path:
            raise _Elsewhere("../" + path.rstrip("/").rpartition("/")[2])
        access = await access_of(self._authorize, request)
        if access is None:
            raise HTTPException(401)
        if not access.read:
            raise HTTPException(403)
        access = access.within(read_only=self._read_only, arguments=self._arguments)
        visit = self._visit(request, path, nonce, access, await self._shared_signer())
        request.scope["teep.visit"] = visit
        if request.method not in safety.SAFE_METHODS:
            await safety.must_be_ours(request, visit.signer, access.who)
            await safety.read_body(request)  # the page's own request reads it again
        return None

    def _visit(self, request: Request, path: str, nonce: str, access: Access, signer: safety.Signer) -> Visit:
        words = self._catalogue.of(
            request.cookies.get("teep_language", ""), request.headers.get("accept-language", "")
        )
        depth = urls.depth_of(request.scope, path)
        live = "poll" if "wsgi_environ" in request.scope else "sse"
        return Visit(self.site, path, depth, nonce, access, words, signer, request.scope.get("teep.live", live))

    async def _shared_signer(self) -> safety.Signer:
        if self._signer is None:
            try:
                key = await AsyncWebSecret(config=self.site.config).read()
            except RedisError:  # away, or taking no writes: the next request asks again
                return self._own_signer
            self._signer = safety.Signer(key)
        return self._signer

    async def _failed(self, request: Request, nonce: str, error: Exception) -> Response:
        """Answer with a page that says what went wrong, and what to do."""
        if isinstance(error, _Elsewhere):
            asked = quote(request.scope["query_string"], safe=_ASKED)
            query = f"?{asked}" if asked else ""
            return Response(status_code=307, headers={"Location": quote(error.path, safe="/:~.-_") + query})
        status, reason = _told(error)
        if status == 500:
            logger.error("%s %s failed", request.method, quote(request.scope["path"]), exc_info=error)
        if "teep.visit" not in request.scope:
            path = urls.route_path(request.scope)
            signer = safety.Signer(secrets.token_bytes())
            request.scope["teep.visit"] = self._visit(request, path, nonce, _NOBODY, signer)
        if not rendering.visit_of(request).access.read and reason not in safety.REASONS:
            reason = ""  # to strangers it says nothing of what lies behind
        headers = error.headers if isinstance(error, HTTPException) else None
        if urls.route_path(request.scope).startswith("/api/"):
            answer = answers.failed(rendering.visit_of(request).words, status, reason)
        else:
            is_still = request.method != "GET"  # it cannot be read again
            answer = rendering.fragment(
                request, "error.html", status=status, code=status, reason=reason, is_still=is_still
            )
        answer.headers.update(headers or {})
        return answer


class _Elsewhere(Exception):
    """A path with a slash too many or too few: the page stands beside it, as a relative URL."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def _told(error: Exception) -> tuple[int, str]:
    """Return the status of an error, and a reason: a key of the translations, or a sentence of teep's."""
    if isinstance(error, HTTPException):
        status = error.status_code if error.status_code in _TOLD else 400 if error.status_code < 500 else 500
        return status, error.detail if error.detail in safety.REASONS else ""
    if isinstance(error, RedisUnavailable):
        return 503, str(error)
    if isinstance(error, TeepError):
        return 409, str(error)
    return 500, ""


async def _preferences(request: Request) -> Response:
    """Keep the language, the theme and whether a key searches in cookies, and go back."""
    visit = rendering.visit_of(request)
    form = await safety.read_form(request)
    back, _, query = form.get("back", [""])[0].partition("?")
    response = visit.redirect(back.lstrip("/"), **parse_qs(query, keep_blank_values=True))
    language = form.get("language", form.get("locale", [""]))[0]
    theme = form.get("theme", [""])[0]
    keys = form.get("keys", [""])[0]
    chosen = (("teep_language", language, None), ("teep_theme", theme, THEMES), ("teep_keys", keys, KEYS))
    for name, value, allowed in chosen:
        if value.isascii() and value.replace("-", "").isalpha() and (allowed is None or value in allowed):
            response.set_cookie(name, value, max_age=_YEAR, path=_root_of(request), httponly=True, samesite="lax")
    return response


def _root_of(request: Request) -> str:
    root: str = request.scope.get("root_path", "")
    return f"{root}/"
