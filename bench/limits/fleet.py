"""Processes that want more than limits let through: never over one in any window, and nearly all of it used.

A process is this program. A thread for each limit enters it again and again, and notes the moments at which it was
let in, by Redis's clock: each call has a TIME in the same round trip. It is some microseconds late, and not always
as many, so a window counts as one millisecond less than a second.
"""

import json
import math
import subprocess
import sys
import threading
import time
from typing import Any

_WINDOW = 999_000  # microseconds
# Seconds between the word to begin and the beginning, at least.
_NOTICE = 0.05

LIMITS = {
    "bucket": "teep.limits.bucket('fleet.bucket', 50, 'second', wait_timeout=60)",
    "window": "teep.limits.window('fleet.window', 50, 'second', wait_timeout=60)",
    "leaky": "teep.limits.leaky('fleet.leaky', 1, 0.05, wait_timeout=60)",
}
PER_SECOND = {"bucket": 50, "window": 50, "leaky": 20}


def measure(url: str, processes: int, seconds: int) -> dict[str, dict[str, float]]:
    """Run the processes, and return by kind the most in any window, and how much was used (per cent)."""
    program = [sys.executable, "-m", "bench.limits.fleet", url, str(seconds)]
    running = [
        subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(processes)
    ]
    for each in running:
        if each.stdout is None or not each.stdout.readline():
            raise RuntimeError("a process of the fleet ended before it began")
    begin = math.ceil(time.time() + _NOTICE)
    for each in running:
        if each.stdin is not None:
            each.stdin.write(f"{begin}\n")
            each.stdin.flush()
    told = [json.loads(each.communicate(timeout=seconds + 60)[0]) for each in running]
    found: dict[str, dict[str, float]] = {}
    for kind in LIMITS:
        moments = sorted(moment for each in told for moment in each[kind])
        found[kind] = {"most": most(moments, kind), "used": used(moments, kind, begin, seconds) * 100}
    return found


def most(moments: list[int], kind: str) -> int:
    """Return the most moments (microseconds) in a second: of the clock for a bucket, else in any."""
    if kind == "bucket":
        seconds = [moment // 1_000_000 for moment in moments]
        return max(seconds.count(second) for second in set(seconds))
    first, found = 0, 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= _WINDOW:
            first += 1
        found = max(found, last - first + 1)
    return found


def used(moments: list[int], kind: str, begin: int, seconds: int) -> float:
    """Return which part of the limit was used in so many seconds of the clock."""
    inside = [moment for moment in moments if begin <= moment / 1_000_000 < begin + seconds]
    return len(inside) / (seconds * PER_SECOND[kind])


def main(url: str, seconds: int) -> None:
    """Enter the limits until the time is over, and print by kind when they let this process in."""
    import teep  # noqa: PLC0415 - for the program only
    from teep.config import driver_for  # noqa: PLC0415
    from teep.wire.command import Command, Pipeline  # noqa: PLC0415
    from teep.wire.scripts.script import ScriptCall  # noqa: PLC0415

    driver = driver_for(teep.configure(redis_url=url))
    execute = driver.execute
    moments: dict[str, list[int]] = {kind: [] for kind in LIMITS}

    def timed(command: Any) -> Any:
        """Carry a command out, and note when it was if a limit let this thread in."""
        if not isinstance(command, ScriptCall):
            return execute(command)
        clock = Command("TIME", read=lambda reply: int(reply[0]) * 1_000_000 + int(reply[1]))
        answer, moment = execute(Pipeline([command, clock]))
        if answer in (True, [True]):
            moments[threading.current_thread().name].append(moment)
        return answer

    setattr(driver, "execute", timed)  # noqa: B010 - to a type checker it is a method

    def enter(kind: str) -> None:
        limit = eval(LIMITS[kind], {"teep": teep})
        while True:
            with limit.within_limit():
                pass

    print("ready", flush=True)
    begin = int(sys.stdin.readline())
    _sleep_until(begin)
    for kind in LIMITS:
        threading.Thread(target=enter, args=(kind,), name=kind, daemon=True).start()
    _sleep_until(begin + seconds)
    print(json.dumps(moments))


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.time()))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
