"""The web page alone, as `teep web` serves it: on loopback, elsewhere only with a password or a token."""

import base64
import binascii
import hmac
import ipaddress
from typing import Any

import uvicorn
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from teep.config import Config
from teep.errors import ConfigurationError
from teep.web.access import ADMIN, Access, Arguments, Authorize
from teep.web.application import WebApp

_ASK = {"WWW-Authenticate": 'Basic realm="teep", charset="UTF-8"'}


def run(page: WebApp, *, host: str, port: int, prefix: str, options: dict[str, Any]) -> None:
    """Serve an app with uvicorn until the process is told to stop."""
    settings = {"log_level": "warning", "access_log": False, "server_header": False, "timeout_graceful_shutdown": 2}
    uvicorn.run(under(page, prefix.rstrip("/")), host=host, port=port, **{**settings, **options})


def under(page: WebApp, prefix: str) -> ASGIApp:
    """Return the app for a proxy that serves it under a prefix, whether that strips the prefix from paths or not."""

    async def prefixed(scope: Scope, receive: Receive, send: Send) -> None:
        if prefix and f"{scope.get('path', '')}/".startswith(f"{prefix}/"):
            scope = {**scope, "root_path": prefix}
        await page(scope, receive, send)

    return prefixed


def alone(
    config: Config | None,
    *,
    host: str,
    auth: str | None = None,
    token: str | None = None,
    read_only: bool = False,
    arguments: Arguments = "show",
) -> WebApp:
    """Return the app as `serve` serves it.

    Raises:
        ConfigurationError: others could reach it without a password, or `auth` is no user and password.
    """
    if auth is not None and not all(auth.partition(":")):
        raise ConfigurationError('auth must be "user:password"')
    if token == "":
        raise ConfigurationError("the token is empty")
    if auth is None and token is None and not is_loopback(host):
        raise ConfigurationError(
            f"the web page can change everything, and others can reach {host}: ask for a password (--auth"
            " user:password) or a token (--token), or listen at 127.0.0.1"
        )
    authorize = None if auth is None and token is None else _asking(auth, token)
    return WebApp(config, authorize, (), read_only=read_only, arguments=arguments)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    if host == "localhost" or host.startswith("/"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _asking(auth: str | None, token: str | None) -> Authorize:
    def authorize(request: Request) -> Access | None:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if token is not None and kind.lower() == "bearer" and _same(given.strip(), token):
            return Access(act=ADMIN.act, who="token")
        if auth is not None and kind.lower() == "basic" and _same(_decoded(given), auth):
            return Access(act=ADMIN.act, who=auth.partition(":")[0])
        raise HTTPException(401, headers=_ASK if auth is not None else {"WWW-Authenticate": "Bearer"})

    return authorize


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(), right.encode())


def _decoded(given: str) -> str:
    try:
        return base64.b64decode(given, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
