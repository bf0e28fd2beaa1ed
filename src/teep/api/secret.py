"""The secret that the processes share which serve the web page."""

import secrets

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
