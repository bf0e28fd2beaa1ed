"""Pushing jobs: `Client` and its asyncio twin.

`payloads/` writes what a push sends, and `delivery/` says where it goes.
"""

from teep.client.client import AsyncClient, BoundJob, Client

__all__ = ["AsyncClient", "BoundJob", "Client"]
