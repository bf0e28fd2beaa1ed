"""The dashboard: how many jobs ran and failed each second, live; the queues; and the server it all lies in."""

import asyncio

from teep.api.facts import AsyncServer
from teep.errors import RedisDenied
from teep.top.lists.rows import Listing
from teep.top.lists.text import number, plain, size, span
from teep.top.lists.views import View
from teep.top.tabs.queues import Queues


class Dashboard(Queues):
    name, title = "dashboard", "Dashboard"

    async def read(self, view: View) -> Listing:
        listing, server = await asyncio.gather(super().read(view), self._server())
        note = f"{listing.note} · {server}" if server else listing.note
        return Listing(listing.rows, note, listing.next, listing.whole)

    async def _server(self) -> str:
        try:
            facts = await AsyncServer(config=self.config).facts()
        except RedisDenied:
            return ""
        limit = f" of {size(facts.limit)}" if facts.limit else ""
        server = f"{plain(facts.name)} {plain(facts.version)}, up {span(facts.uptime)}"
        return f"{server}, {size(facts.memory)}{limit}, {number(facts.connections)} clients"
