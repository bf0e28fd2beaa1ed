"""Programs of real Sidekiq that start in some milliseconds: forked from a Ruby that has required what they require.

Each process of pytest has one server for each Sidekiq, see `ruby/forks.rb` and `tests/support/forkserver.py`. A
program is a process of its own, which loads Sidekiq's own executable; a Ruby alone takes 0.2 s of a core to start.
"""

import os
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tests.interop.sidekiqs import Sidekiq
from tests.support.forkserver import Forked, ForkServer

_SERVER = Path(__file__).parent / "ruby" / "forks.rb"


def start(
    sidekiq: Sidekiq, arguments: Sequence[str], url: str, files: tuple[int, int, int]
) -> "Forked | subprocess.Popen[bytes]":
    """Start a program of a Sidekiq's Ruby with these files as its input, output and errors."""
    environment = sidekiq.environment(url)
    if not hasattr(os, "pidfd_open"):
        stdin, stdout, stderr = files
        command = sidekiq.command(*arguments)
        return subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=stderr, env=environment)
    words = arguments[1:] if arguments[0] == "ruby" else arguments
    server = _server(sidekiq)
    return Forked(int(server.ask({"words": words, "variables": dict(environment)}, files)), server)


@cache
def _server(sidekiq: Sidekiq) -> ForkServer:
    return ForkServer(sidekiq.command("ruby", str(_SERVER)), sidekiq.environment(""))
