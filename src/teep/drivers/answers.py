"""redis-py's errors turned into teep's: one sentence each, and whether asking again may help."""

import re
import socket
import ssl
from typing import NoReturn

from redis import exceptions as redis_errors

from teep.drivers.connections import urls
from teep.errors import (
    RedisCommandError,
    RedisDenied,
    RedisError,
    RedisMisconfigured,
    RedisOutOfMemory,
    RedisRefused,
    RedisTimedOut,
    RedisUnavailable,
)

# Answers of a server that carried nothing out but may do so soon, here or elsewhere after a failover.
_REFUSALS = frozenset(
    ("READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS", "UNBLOCKED", "BUSY")
)
_CLUSTER = "Redis Cluster is not supported: use one primary, alone or behind Sentinel"
_FROM_CLUSTER = re.compile(
    r"CLUSTERDOWN|CROSSSLOT|MOVED |ASK |hash to the same slot|Hash slot not served|non local key in a cluster"
    r"|not allowed in cluster mode"
)
_NO_DATABASE = re.compile(r"(?i)DB index|database index")
# The host has no address, and is not merely unknown for the moment.
_FOR_EVER = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))


def is_refusal(error: BaseException) -> bool:
    """Tell whether this error means that the server carried nothing out and may do so soon."""
    if not isinstance(error, (redis_errors.ResponseError, redis_errors.BusyLoadingError)):
        return False
    # redis-py cuts the codes that it knows off the message.
    return (error.status_code or str(error).partition(" ")[0]) in _REFUSALS


def is_final(error: BaseException) -> bool:
    """Tell whether an error will come again on the next connection, since the server refused for good."""
    if isinstance(error, (redis_errors.AuthenticationError, redis_errors.InvalidResponse)):
        return True
    lost = isinstance(error, (redis_errors.ConnectionError, redis_errors.TimeoutError, OSError))
    return not lost and not is_refusal(error)


def raise_ours(error: BaseException, url: str = "") -> NoReturn:
    """Raise redis-py's error as one of teep's, with the original as its cause.

    Args:
        error: redis-py's.
        url: the Redis URL; the message may name its database, never its password.
    """
    raise _ours(error, urls.parse(url) if url else None) from error


def _ours(error: BaseException, target: urls.Target | None) -> RedisError:
    text = str(error) or type(error).__name__
    if isinstance(error, redis_errors.OutOfMemoryError):
        return RedisOutOfMemory(f"Redis is out of memory: {text}")
    if is_refusal(error):
        return RedisRefused(f"{_CLUSTER if _is_of_cluster(error) else 'Redis refuses for now'}: {text}")
    if _is_of_cluster(error):
        return RedisCommandError(f"{_CLUSTER}: {text}")
    if isinstance(error, redis_errors.ResponseError):
        return _of_answer(text, target, denied=isinstance(error, redis_errors.NoPermissionError))
    return _of_connection(error, text, target)


def _is_of_cluster(error: BaseException) -> bool:
    return isinstance(error, redis_errors.ResponseError) and (
        isinstance(error, (redis_errors.AskError, redis_errors.ClusterCrossSlotError, redis_errors.ClusterDownError))
        or _FROM_CLUSTER.search(f"{error.status_code or ''} {error}") is not None
    )


def _of_answer(text: str, target: urls.Target | None, *, denied: bool) -> RedisCommandError:
    if denied:
        return RedisDenied(f"Redis does not allow this user to do that: {text}")
    if re.search(r"(?i)unknown (sub)?command", text):
        return RedisDenied(f"this Redis does not have what teep needs: {text}")
    if _NO_DATABASE.search(text):
        named = f"database {target.options['db']}" if target else "such database"
        return RedisCommandError(f"Redis has no {named} ({text}); the Redis URL must name one of its databases")
    return RedisCommandError(text)


def _of_connection(error: BaseException, text: str, target: urls.Target | None) -> RedisError:
    if isinstance(error, redis_errors.AuthenticationError):
        return RedisCommandError(f"Redis did not accept the user name or password: {text}")
    if isinstance(error, redis_errors.InvalidResponse):
        return RedisMisconfigured(f"the server at the Redis URL does not speak Redis's protocol: {text}")
    if _is_misconfigured(error, target):
        return RedisMisconfigured(f"no connection to Redis, and the Redis URL seems wrong: {text}")
    if isinstance(error, redis_errors.TimeoutError):
        return RedisTimedOut(f"Redis did not answer in time: {text}")
    if isinstance(error, (redis_errors.ConnectionError, OSError)):
        return RedisUnavailable(f"no connection to Redis: {text}")
    return RedisCommandError(text)


def _is_misconfigured(error: BaseException, target: urls.Target | None) -> bool:
    """Tell whether a connection failed because of the URL: its host, or its options for TLS."""
    inner = error if isinstance(error, OSError) else (error.__cause__ or error.__context__)
    if isinstance(inner, socket.gaierror):
        return inner.errno in _FOR_EVER
    if isinstance(inner, (FileNotFoundError, PermissionError)):  # over TCP that is a certificate's file
        return target is not None and target.scheme.startswith("rediss")
    return isinstance(inner, ssl.SSLError) and not isinstance(inner, (ssl.SSLEOFError, ssl.SSLZeroReturnError))
