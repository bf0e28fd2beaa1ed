"""The web page in a Django project: `path("jobs/", include("teep.integrations.django.web"))`.

Staff may look. What they may do is said by permissions: `teep.retry_jobs`, `teep.delete_jobs` and so on; superusers
have all. The setting `TEEP_WEB` has the options of `teep.web.app`; its `authorize`, a function or its dotted path,
gets Django's request and says otherwise.
"""

from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.urls import NoReverseMatch, re_path, reverse
from django.utils.module_loading import import_string

from teep.errors import ConfigurationError
from teep.integrations.django.asgi import answer
from teep.web import VERBS, Access
from teep.web import app as web_app

_OPTIONS = ("authorize", "read_only", "arguments", "pages")

app_name = "teep"


def access_of(request: HttpRequest) -> Access | None:
    """Return what a request's user may do: nothing unless staff, and the verbs that their permissions name."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    if not (user.is_active and user.is_staff):
        return Access(read=False)
    return Access(act={verb for verb in VERBS if user.has_perm(f"teep.{verb}_jobs")}, who=user.get_username())


def _options() -> dict[str, Any]:
    options = dict(getattr(settings, "TEEP_WEB", {}))
    if unknown := sorted(set(options) - set(_OPTIONS)):
        raise ConfigurationError(f"TEEP_WEB has {', '.join(_OPTIONS)}, not {unknown[0]!r}")
    return options


def _loaded(value: Any) -> Any:
    return import_string(value) if isinstance(value, str) and "." in value else value


_given = {name: _loaded(value) for name, value in _options().items()}
_authorize: Callable[[HttpRequest], Access | None] = _given.pop("authorize", access_of)
_app = web_app(authorize=lambda request: request.scope["teep.access"], **_given)


async def page(request: HttpRequest, path: str) -> HttpResponseBase:
    """Answer for every path of the page."""
    # The session and the permissions lie in the database.
    access = await sync_to_async(_authorize)(request)
    if access is None and _is_visit(request):
        return redirect_to_login(request.get_full_path(), _login())
    return await answer(_app, request, path, **{"teep.access": access})


page.csrf_exempt = True  # type: ignore[attr-defined]  # the page has its own proof that a form is its own


def _is_visit(request: HttpRequest) -> bool:
    """Tell whether a browser shows the answer as a page, so that a login may stand there instead.

    To a part of a page, and to a program, a 401 says more.
    """
    headers = request.META
    is_part = "HTTP_HX_REQUEST" in headers or headers.get("HTTP_SEC_FETCH_MODE", "navigate") != "navigate"
    return request.method == "GET" and not is_part and "text/html" in headers.get("HTTP_ACCEPT", "text/html")


def _login() -> str | None:
    """Return where one logs in: the admin if there is one, else Django's own setting (None)."""
    try:
        return str(reverse("admin:login"))
    except NoReverseMatch:
        return None


urlpatterns = [re_path(r"^(?P<path>.*)$", page, name="web")]
