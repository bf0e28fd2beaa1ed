"""The lifeline's process. Run as a file, so that it starts with nothing but the standard library.

1. Its standard input brings one line of settings, then a byte for each heartbeat. It ends when the input is closed.
2. While the bytes come in time, it sleeps.
3. While they do not, it sends heartbeats for the worker, unless the worker is stopped, gone, or another process has
   its pid.

Only in the third case does it load teep and connect to Redis.
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
    """Return the settings of the first line. It buffers no later byte, since `select` would not see that."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(_INPUT, 1)
        if not byte:
            sys.exit()  # the worker ended before it wrote its settings
        line += byte
    settings: dict[str, Any] = json.loads(line)
    return settings


def _beat_for(settings: dict[str, Any]) -> bool:
    """Keep the worker alive in Redis if its process runs; False if it is gone."""
    # This process can import everything that the worker can.
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
            return True  # the worker itself logs the outage; the next turn tries again
    return state is not identity.ProcessState.GONE


@cache
def _driver(url: str) -> "Driver":
    from teep.drivers import Driver  # noqa: PLC0415 - not before it is needed

    return Driver(url)


if __name__ == "__main__":
    main()
