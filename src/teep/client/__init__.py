"""Pushing jobs: `Client` and its asyncio twin."""

from teep.client.client import AsyncClient, Client

__all__ = ["AsyncClient", "Client"]
