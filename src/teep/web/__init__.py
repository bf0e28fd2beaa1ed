"""The web page: see everything, fix anything. It stands on the data API alone; extra: `teep[web]`.

    app = FastAPI()
    app.mount("/jobs", teep.web.app(authorize=...))

What needs Starlette is loaded when an app is made: the filter words are for the terminal, too.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from teep.config import Config
from teep.errors import ConfigurationError
from teep.web.guard.access import ADMIN, OPERATOR, VERBS, VIEWER, Access, Arguments, Authorize
from teep.web.registry import JobRows, Pages, Tab

if TYPE_CHECKING:
    from teep.web.application import WebApp

PORT = 9797
"""Where `serve` listens if it is not told."""


def app(
    config: Config | None = None,
    authorize: "Authorize | None" = None,
    *,
    read_only: bool = False,
    arguments: Arguments = "show",
    pages: Sequence[Pages] = (),
) -> "WebApp":
    """Return the web page as an ASGI app, to mount under any prefix. Sidekiq's Web.

    Args:
        config: which Redis; default: the process-wide configuration, when the first request comes.
        authorize: says what a request may do: an `Access`, or None if nobody is logged in; `async` too. Without it
            everyone who gets here may do everything: the application around it guards the way.
        read_only: nothing can be changed, whatever `authorize` says.
        arguments: "show" or "hide" those of jobs, or a function from a job's record to what is shown.
        pages: further pages, tabs and translations.

    Raises:
        ConfigurationError: the extra `teep[web]` is not installed.
    """
    make: Callable[..., WebApp] = _load("application").WebApp
    return make(config, authorize, pages, read_only=read_only, arguments=arguments)


def serve(
    config: Config | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = PORT,
    auth: str | None = None,
    token: str | None = None,
    read_only: bool = False,
    arguments: Arguments = "show",
    prefix: str = "",
    on_start: Callable[[str], object] | None = None,
    **options: Any,
) -> None:
    """Serve the web page alone, until the process is told to stop.

    Args:
        config: which Redis; default: the process-wide configuration.
        host: the address to listen at, or the path of a socket; other than loopback only with `auth` or `token`.
        port: the port there.
        auth: "user:password", which browsers ask for.
        token: what an `Authorization: Bearer` header must say, for programs.
        read_only: nothing can be changed.
        arguments: "show" or "hide" those of jobs, or a function from a job's record to what is shown.
        prefix: the path under which a proxy serves it, such as "/jobs", stripped or not.
        on_start: called with the page's address as soon as it can be opened.
        options: further options of uvicorn.

    Raises:
        ConfigurationError: others could reach it without a password, `auth` is no user and password, nothing can
            listen there, or the extra `teep[web]` is not installed.
    """
    serving = _load("serving")
    page = serving.alone(config, host=host, auth=auth, token=token, read_only=read_only, arguments=arguments)
    serving.run(page, host=host, port=port, prefix=prefix, on_start=on_start, options=options)


def _load(module: str) -> Any:
    try:
        return import_module(f"{__name__}.{module}")
    except ModuleNotFoundError as error:
        if error.name and error.name.partition(".")[0] == "teep":
            raise
        raise ConfigurationError(f"the web page needs {error.name}: pip install 'teep[web]'") from error


__all__ = [
    "ADMIN",
    "OPERATOR",
    "PORT",
    "VERBS",
    "VIEWER",
    "Access",
    "Arguments",
    "Authorize",
    "JobRows",
    "Pages",
    "Tab",
    "app",
    "serve",
]
