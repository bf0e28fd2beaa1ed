"""Pushing a signature: `teep.push` and `teep.apush`."""

from typing import Any

from teep.config import default_config
from teep.errors import InvalidType
from teep.job.classes import Job
from teep.job.pushing.signature import Signature
from teep.job.pushing.verbs import Pushable, async_client_of, client_of


def push(signature: Signature, /) -> str | None:
    """Push a job with its arguments: `teep.push(welcome.s(42))`. One round trip.

    Returns its jid, or None if a middleware stopped it or an identical job has the lock (`unique_for`).

    Raises:
        InvalidType: it is no signature.
        RedisError: see `teep.errors`.
    """
    return client_of(default_config()).push(_checked(signature))


async def apush(signature: Signature, /) -> str | None:
    """As `push`, awaited."""
    return await async_client_of(default_config()).push(_checked(signature))


def _checked(signature: Any) -> Signature:
    if isinstance(signature, Signature):
        return signature
    if isinstance(signature, Pushable) or (isinstance(signature, type) and issubclass(signature, Job)):
        raise InvalidType(f"{signature!r:.200} is a job without its arguments; push a signature of it, as job.s(…)")
    raise InvalidType(f"teep.push takes a signature, such as welcome.s(42), not {signature!r:.200}; see Client.push")
