"""From a Redis URL to keywords for redis-py's connections.

`redis://`, `rediss://` (TLS), `unix://`, and for Sentinel
`redis+sentinel://user:password@host:26379,host2:26379/service/db?sentinel_password=…` (`rediss+sentinel://`: TLS).

1. Options that say how to connect are checked, and used by both drivers alike.
2. Options that say how a client library answers its caller (`protocol`, `decode_responses` …) may stand in a URL that
   other programs use too. They change nothing here: teep has its own.
3. Any other option is refused by its name, since teep could not obey it.
"""

import math
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from teep.errors import ConfigurationError

_SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")
_PORT, _SENTINEL_PORT = 6379, 26379
_LONGEST_SECONDS = 86_400.0
_LONGEST_SOCKET_PATH = 103 if sys.platform == "darwin" else 107
_TRUTHS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


class Target(NamedTuple):
    """Where a URL leads, and the keywords for a connection to it.

    A Sentinel URL has `hosts`, a `service`, and keywords for the connections to the sentinels as well.
    """

    scheme: str
    options: dict[str, Any]
    hosts: tuple[tuple[str, int], ...] = ()
    service: str = ""
    sentinel_options: Mapping[str, Any] = {}


def parse(url: str) -> Target:
    """Return where a URL leads, without connecting.

    Raises:
        ConfigurationError: says what is wrong; never shows the password, nor an error that does.
    """
    parts = _split(url.strip())
    query = dict(reversed(parse_qsl(parts.query, keep_blank_values=True)))  # of two the first counts, as for redis-py
    is_sentinel = parts.scheme.endswith("+sentinel")
    own = {name: query.pop(f"sentinel_{name}", "") for name in ("username", "password")} if is_sentinel else {}
    read = {name: value for name, text in query.items() if (value := _option(name, text, parts)) is not None}
    if is_sentinel:
        service, database = _service(parts)
        options = {"db": database, **read, **_credentials(parts)}
        asking = {name: text for name, text in own.items() if text}
        return Target(parts.scheme, options, _hosts(parts), service, asking)
    return Target(parts.scheme, {**_place(parts), **read, **_credentials(parts)})


def masked(url: str) -> str:
    """Return a URL, whole or broken, without its passwords, those of its sentinels and keys included."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return "***"
    credentials, at, place = rest.rpartition("@")
    user, colon, _ = credentials.partition(":")
    if at:
        # A name alone is often a password that lacks its colon.
        rest = f"{user if colon else ''}:***@{place}"
    place, mark, query = rest.partition("?")
    return f"{scheme}://{place}{mark}{'&'.join(map(_masked_option, query.split('&')))}"


def _masked_option(option: str) -> str:
    name, is_, _ = option.partition("=")
    return f"{name}{is_}***" if is_ and "password" in unquote(name) else option


def _split(url: str) -> SplitResult:
    scheme, separator, _ = url.partition("://")
    if scheme not in _SCHEMES or not separator:
        # A URL without a scheme stays out of the message: its password could stand anywhere in it.
        named = f", not {scheme!r}" if separator and scheme.isalnum() else ""
        raise ConfigurationError(
            f"the Redis URL must begin with one of {', '.join(f'{name}://' for name in _SCHEMES)}{named}"
        )
    # Neither the error nor its message: a password with a "/" or "#" in it shows up there as a port.
    wrong = _unreadable("its user name and password must be percent-encoded, and its host a name, its port a number")
    try:
        url.encode()
        parts = urlsplit(url)
        sound = "#" not in url and _is_sound(parts)
    except (ValueError, UnicodeError):
        raise wrong from None
    if not sound:
        raise wrong
    return parts


def _is_sound(parts: SplitResult) -> bool:
    """Tell whether host, port and path are what they seem; an @ behind them is a sign of a password that is not."""
    if "@" in parts.path and parts.scheme != "unix":
        return False
    if parts.scheme in ("redis", "rediss"):
        host = unquote(parts.hostname or "")
        host.encode("idna")
        return not re.search(r"[\0-\x20/@]", host) and (parts.port is None or parts.port > 0)
    return True


def _unreadable(why: str) -> ConfigurationError:
    return ConfigurationError(f"the Redis URL cannot be read: {why}")


def _credentials(parts: SplitResult) -> dict[str, str]:
    username, _, password = parts.netloc.rpartition("@")[0].partition(":")
    if parts.scheme.endswith("+sentinel") and not password:
        return {}
    found = {"username": unquote(username), "password": unquote(password)}
    return {name: text for name, text in found.items() if text}


def _place(parts: SplitResult) -> dict[str, Any]:
    if parts.scheme != "unix":
        host = {"host": unquote(parts.hostname)} if parts.hostname else {}
        return {**host, "port": parts.port or _PORT, "db": _database(parts.path.strip("/"))}
    if parts.netloc.rpartition("@")[2] or not parts.path.strip("/"):
        raise _unreadable("a unix socket has an absolute path, as in unix:///run/redis.sock?db=0")
    if len(unquote(parts.path).encode()) > _LONGEST_SOCKET_PATH:
        raise _unreadable(f"the path of a unix socket has at most {_LONGEST_SOCKET_PATH} bytes")
    return {"path": unquote(parts.path)}


def _service(parts: SplitResult) -> tuple[str, int]:
    service, _, database = parts.path.strip("/").partition("/")
    if not service:
        raise ConfigurationError("a Sentinel URL names its service: redis+sentinel://host:26379/SERVICE/0")
    return unquote(service), _database(database)


def _database(text: str) -> int:
    if text and not re.fullmatch(r"[0-9]{1,9}", text):
        raise _unreadable("its database must be a number, as in redis://localhost:6379/0")
    return int(text or 0)


def _hosts(parts: SplitResult) -> tuple[tuple[str, int], ...]:
    addresses = parts.netloc.rpartition("@")[2]
    if not addresses:
        raise ConfigurationError("a Sentinel URL names its hosts: redis+sentinel://HOST:26379,HOST2:26379/service/0")
    return tuple(map(_sentinel, addresses.split(",")))


def _sentinel(address: str) -> tuple[str, int]:
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([^\s:\[\]]+))(?::([0-9]{1,5}))?", address)
    if found is None or int(found[3] or 0) > 0xFFFF:
        raise _unreadable("its sentinels must be HOST or HOST:PORT, with a comma in between")
    return unquote(found[1] or found[2]), int(found[3] or _SENTINEL_PORT)


def _option(name: str, text: str, parts: SplitResult) -> Any:
    """Return an option's value, or None for one that changes nothing here."""
    if name in _REFUSED:
        raise _unreadable(f"it cannot have the option {name}: {_REFUSED[name]}")
    reader = _READERS.get(name) or _IGNORED.get(name)
    if reader is None:
        # A name that no option could have may be a part of a password.
        named = f" {name}" if re.fullmatch(r"[a-z_]{1,40}", name) and "@" not in parts.query else ""
        raise _unreadable(f"there is no option{named}; there are {', '.join(_READERS)}")
    if name.startswith("ssl_") and not parts.scheme.startswith("rediss"):
        raise _unreadable(f"the option {name} needs TLS, so begin it with rediss://")
    if name == "socket_keepalive" and parts.scheme == "unix":
        raise _unreadable("the option socket_keepalive is for TCP, and this is a unix socket")
    read, what = reader
    try:
        value = read(text)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _unreadable(f"its option {name} must be {what}") from None
    return value if name in _READERS else None


def _seconds(text: str) -> float:
    seconds = float(text)
    if not (math.isfinite(seconds) and 0 < seconds <= _LONGEST_SECONDS):
        raise ValueError
    return seconds


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = int(text)
        if not least <= number <= most:
            raise ValueError
        return number

    return read


def _truth(text: str) -> bool:
    return _TRUTHS[text.lower()]


def _text(text: str) -> str:
    if not text:
        raise ValueError
    return text


def _name(text: str) -> str:
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError
    return text


def _one_of(*allowed: str) -> Callable[[str], str]:
    return lambda text: {name: name for name in allowed}[text.lower()]


def _tls_version(text: str) -> Any:
    import ssl  # noqa: PLC0415 - see teep.drivers

    return ssl.TLSVersion(int(text))


def _flags(text: str) -> Any:
    from redis.connection import URL_QUERY_ARGUMENT_PARSERS  # noqa: PLC0415 - see teep.drivers

    read: Any = URL_QUERY_ARGUMENT_PARSERS["ssl_include_verify_flags"]
    return read(text)


_Reader = tuple[Callable[[str], Any], str]

# Options that say how to connect: both drivers use them.
_READERS: Mapping[str, _Reader] = {
    "db": (lambda text: _database(_text(text)), "a number"),
    "username": (_text, "a user's name"),
    "password": (_text, "a password"),
    "client_name": (_name, "a name without blanks"),
    "socket_timeout": (_seconds, "a number of seconds, more than 0"),
    "socket_connect_timeout": (_seconds, "a number of seconds, more than 0"),
    "socket_keepalive": (_truth, "true or false"),
    "socket_read_size": (_whole(1, 2**26), "a number of bytes"),
    "health_check_interval": (_whole(0, 86_400), "a whole number of seconds"),
    "ssl_keyfile": (_text, "a file's path"),
    "ssl_certfile": (_text, "a file's path"),
    "ssl_password": (_text, "a password"),
    "ssl_cert_reqs": (_one_of("none", "optional", "required"), "none, optional or required"),
    "ssl_ca_certs": (_text, "a file's path"),
    "ssl_ca_path": (_text, "a folder's path"),
    "ssl_ca_data": (_text, "certificates as PEM"),
    "ssl_check_hostname": (_truth, "true or false"),
    "ssl_min_version": (_tls_version, "a number of ssl.TLSVersion, such as 772 for TLS 1.3"),
    "ssl_ciphers": (_text, "a list of ciphers"),
    "ssl_include_verify_flags": (_flags, "a list of verify flags"),
    "ssl_exclude_verify_flags": (_flags, "a list of verify flags"),
}

# How a library answers its caller: teep always has bytes, over RESP2.
_IGNORED: Mapping[str, _Reader] = {
    "protocol": (_one_of("2", "3"), "2 or 3"),
    "decode_responses": (_truth, "true or false"),
    "legacy_responses": (_truth, "true or false"),
    "encoding": (_text, "an encoding"),
    "encoding_errors": (_text, "strict, ignore or replace"),
}

_REPEATS = "teep sends a command again by itself, if that can do no harm; leave it out"
_CONNECTIONS = "teep opens a connection for each thread that needs one; leave it out"
_THREADS_ONLY = "redis-py has it for threads, and not for asyncio; leave it out"
_REFUSED: Mapping[str, str] = {
    "retry_on_timeout": _REPEATS,
    "retry_on_error": _REPEATS,
    "retry": _REPEATS,
    "max_connections": _CONNECTIONS,
    "single_connection_client": _CONNECTIONS,
    "timeout": "teep waits for a free connection as long as it takes; socket_timeout limits the wait for an answer",
    "host": "the host stands before the path, as in redis://localhost:6379/0",
    "port": "the port stands behind the host, as in redis://localhost:6379/0",
    "path": "the path stands before the ?, as in unix:///run/redis.sock",
    "lib_name": "teep leaves it to redis-py; client_name names the connections of a program",
    "lib_version": "teep leaves it to redis-py; client_name names the connections of a program",
    "ssl_validate_ocsp": _THREADS_ONLY,
    "ssl_validate_ocsp_stapled": _THREADS_ONLY,
    "ssl_ocsp_context": _THREADS_ONLY,
    "ssl_ocsp_expected_cert": _THREADS_ONLY,
}
