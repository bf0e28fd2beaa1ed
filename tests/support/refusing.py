"""A user of Redis that may do all, until a test forbids it a command: what is refused is refused by the server."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from teep.wire.scripts.script import Script
from tests.support.servers import Server


@contextmanager
def limited(server: Server) -> Iterator[str]:
    """The URL of the user, which may do all until `allow` says otherwise; it is gone when the context ends."""
    allow(server)
    yield server.url.replace("//", "//limited:pw@")
    server.command("ACL", "DELUSER", "limited")


def allow(server: Server, *rules: str) -> None:
    """Let the user do all but what these rules forbid."""
    server.command("ACL", "SETUSER", "limited", "reset", "on", ">pw", "~*", "&*", "+@all", *rules)


def commands_of(script: Script) -> list[str]:
    """Return the commands that a script may send, those of what it includes among them."""
    code = re.sub(r"--.*", "", script.source)
    return sorted(set(re.findall(r"\b(?:p?call|try|also)\('(\w+)'", code)))
