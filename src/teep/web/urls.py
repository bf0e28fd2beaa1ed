"""Relative URLs: a page works under any prefix, behind any proxy, since no link names the way to the app.

Names in paths are written plainly if every client, proxy and browser leaves them alone; else as `~` and base64.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

from starlette.datastructures import QueryParams
from starlette.types import Scope

# Characters of a path that is quoted once only; a name may be a megabyte.
_LONGEST_KEPT = 300

_PLAIN = re.compile(r"(?![.~])[A-Za-z0-9_:.\-]+")


def route_path(scope: Scope) -> str:
    """Return the path of a request within the app; "" if it is the prefix alone."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path[len(root) :] if root and f"{path}/".startswith(f"{root}/") else path


def depth_of(scope: Scope, path: str) -> int:
    """Return how many folders below the app's root the browser is. `path` is the request's within the app.

    Servers decode %2F, while browsers count only slashes that they were given.
    """
    raw: bytes = scope.get("raw_path") or b""
    hidden = raw.lower().count(b"%2f")
    return max(path.count("/") - 1 - hidden, 0)


def relative(depth: int, path: str, query: Mapping[str, Any] | None = None) -> str:
    """Return a URL from a page at a depth to a path of the app ("" is its root). Of the query, None is left out."""
    given = {name: value for name, value in query.items() if value is not None} if query else None
    asked = f"?{urlencode(given, doseq=True, errors='surrogateescape')}" if given else ""
    quoted = _kept(path) if len(path) <= _LONGEST_KEPT else _quoted(path)
    return f"{'../' * depth or './'}{quoted}{asked}"


def _quoted(path: str) -> str:
    return quote(path, safe="/:~.-_")


_kept = lru_cache(1024)(_quoted)


def to_path(name: str) -> str:
    """Return a name as one part of a path."""
    if _PLAIN.fullmatch(name):
        return name
    try:
        data = name.encode(errors="surrogateescape")
    except UnicodeEncodeError:  # no bytes have this name, so nothing in Redis has, and the path leads nowhere
        data = name.encode(errors="backslashreplace")
    return "~" + base64.urlsafe_b64encode(data).decode().rstrip("=")


def from_path(part: str) -> str:
    """Return the name that a part of a path stands for; of what stands for none, the part itself."""
    if not part.startswith("~"):
        return part
    try:
        data = base64.b64decode(part[1:] + "=" * (-len(part[1:]) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return part
    return data.decode(errors="surrogateescape")


def integer(query: QueryParams, name: str, allowed: range, default: int) -> int:
    """Return a whole number of a query, `default` if it is none that is allowed."""
    text = query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 and int(text) in allowed else default
