"""The web page alone, as `teep web` serves it: on loopback, elsewhere only with a password or a token."""

import base64
import binascii
import hmac
import ipaddress
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from teep.config import Config
from teep.errors import ConfigurationError
from teep.web.application import WebApp
from teep.web.guard.access import ADMIN, Access, Arguments, Authorize

_LAST_PORT = 65_535
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.\-]+)(?::[0-9]*)?")
_ASK = {"WWW-Authenticate": 'Basic realm="teep", charset="UTF-8"'}


Told = Callable[[str], object]


class _Server(uvicorn.Server):
    """Tells its address once it listens."""

    def __init__(self, config: uvicorn.Config, told: Told | None) -> None:
        super().__init__(config)
        self._told = told

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self._told is not None:
            self._told(_address(self.servers[0].sockets[0].getsockname()))


def run(
    page: WebApp, *, host: str, port: int, prefix: str, on_start: Told | None = None, options: dict[str, Any]
) -> None:
    """Serve an app with uvicorn until the process is told to stop.

    Raises:
        ConfigurationError: nothing can listen there.
    """
    _check(host, port)
    where = {"uds": host} if host.startswith("/") else {"host": host, "port": port}
    settings = {"log_level": "warning", "access_log": False, "server_header": False, "timeout_graceful_shutdown": 2}
    told: Told | None = None if on_start is None else lambda address: on_start(address + prefix.rstrip("/"))
    served = under(page, prefix.rstrip("/"))
    server = _Server(uvicorn.Config(served, **{**where, **settings, **options}), told)
    try:
        server.run()
    except KeyboardInterrupt:
        pass  # it was told to stop, and has stopped
    finally:
        if server.config.uds:
            Path(server.config.uds).unlink(missing_ok=True)


def _check(host: str, port: int) -> None:
    """Refuse where nothing can listen; uvicorn would say less of it."""
    if host.startswith("/"):
        return
    if not 0 <= port <= _LAST_PORT:
        raise ConfigurationError(f"the port must be from 0 to {_LAST_PORT}, not {port}")
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen at {host}:{port}: {error.strerror}; choose another address or port"
        ) from None


def _address(name: Any) -> str:
    """Return the URL of what a socket is bound to; of one that is a file, its path."""
    if not isinstance(name, tuple):
        return str(name)
    host = f"[{name[0]}]" if ":" in name[0] else name[0]
    return f"http://{host}:{name[1]}"


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
    authorize = _at_home if auth is None and token is None else _asking(auth, token)
    return WebApp(config, authorize, (), read_only=read_only, arguments=arguments)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    if host == "localhost" or host.startswith("/"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _at_home(request: Request) -> Access:
    """Let in a visitor that names this machine in its URL. A foreign domain that points to 127.0.0.1 names itself.

    Raises:
        HTTPException: 403.
    """
    host = request.headers.get("host")
    found = _HOST.fullmatch(host or "")
    named = found[1].strip("[]").lower() if found else ""
    # Not from the request's URL: that has the server's own address in place of a host that Starlette cannot read.
    if is_loopback(named) or named.endswith(".localhost") or host is None or request.client is None:
        return ADMIN
    raise HTTPException(403, "host")


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
