"""The lifeline's process. Run as a file, so that it starts with nothing but the standard library.

1. Its standard input brings one line of settings, then a byte a heartbeat; it ends when that is closed.
2. While the bytes come in time it sleeps.
3. While they do not, it beats for the worker, unless that is stopped, gone, or not the process it was.

Only in the third case it loads teep and connects to Redis.
"""

import json
import os
import select
import sys
import time
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from teep.drivers import Driver

_INPUT = 0


def main() -> None:
    settings = _read_settings()
    patience = settings["patience"]
    while True:
        readable, _, _ = select.select([_INPUT], [], [], patience)
        if readable:
            if not os.read(_INPUT, 4096):
                return
            patience = settings["patience"]
        else:
            if not _beat_for(settings):
                return
            patience = settings["interval"]


def _read_settings() -> dict[str, Any]:
    """Return what the first line says; it leaves no byte of what follows in a buffer, where `select` sees none."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(_INPUT, 1)
        if not byte:
            sys.exit()  # the worker was gone before it could say anything
        line += byte
    settings: dict[str, Any] = json.loads(line)
    return settings


def _beat_for(settings: dict[str, Any]) -> bool:
    """Keep the worker alive where it lives; False where it is gone."""
    # Whatever the worker can import, this process can.
    sys.path[:] = settings["path"]
    from teep.errors import RedisError  # noqa: PLC0415 - not before it is needed
    from teep.runtime import identity  # noqa: PLC0415 - not before it is needed
    from teep.store import processes  # noqa: PLC0415 - not before it is needed

    pid: int = settings["pid"]
    if identity.started(pid) != settings["started"]:
        return False
    state = identity.state(pid)
    if state is identity.ProcessState.RUNS:
        try:
            _driver(settings["url"]).run(processes.keep_alive(settings["identity"], time.time()))
        except RedisError:
            return True  # the worker tells of the outage itself; here, too, the next turn tries again
    return state is not identity.ProcessState.GONE


@cache
def _driver(url: str) -> "Driver":
    from teep.drivers import Driver  # noqa: PLC0415 - not before it is needed

    return Driver(url)


if __name__ == "__main__":
    main()
