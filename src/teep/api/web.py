"""What the processes share that serve the web page: a secret, and how far their actions on many jobs are."""

import json
import secrets
from collections.abc import Mapping
from typing import Any

from teep.api.base import Api, AsyncApi, SyncApi
from teep.drivers.operation import operation
from teep.store import web


class _WebSecret(Api):
    """What signs the web page's forms, whichever process answers; it lies in Redis and is made at its first use."""

    @operation
    async def read(self) -> bytes:
        """Return the secret. One round trip, three the first time."""
        return await web.secret(secrets.token_hex(32).encode())


class WebSecret(_WebSecret, SyncApi): ...


class AsyncWebSecret(_WebSecret, AsyncApi): ...


class _WebActions(Api):
    """How far actions on many jobs are: each is a task of one process, and any other may be asked about it."""

    @operation
    async def write(self, name: str, state: Mapping[str, Any]) -> bool:
        """Write how far one is, kept for an hour; True if it was cancelled. One round trip."""
        return await web.write_action(name, json.dumps(state).encode())

    @operation
    async def read(self, name: str) -> dict[str, Any] | None:
        """Return how far one is, or None. One round trip."""
        found = await web.action(name)
        state: dict[str, Any] | None = None if found is None else json.loads(found)
        return state

    @operation
    async def cancel(self, name: str) -> None:
        """Let one end: its process hears of it as soon as it writes again. One round trip."""
        await web.cancel_action(name)


class WebActions(_WebActions, SyncApi): ...


class AsyncWebActions(_WebActions, AsyncApi): ...
