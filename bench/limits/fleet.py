"""8 processes that want more than a limit lets through: never over it in any window, and nearly all of it used.

A process is this program: it enters the limit again and again, and prints the moments at which it was let in, by
Redis's clock: each call has a TIME in the same round trip. It is some microseconds late, and not always as many, so a
window counts as one millisecond less than a second.
"""

import json
import subprocess
import sys
import time
from typing import Any

PROCESSES = 8
_WARM_UP = 1.0
_WINDOW = 999_000  # microseconds

LIMITS = {
    "bucket": "teep.limits.bucket('fleet', 50, 'second', wait_timeout=60)",
    "window": "teep.limits.window('fleet', 50, 'second', wait_timeout=60)",
    "leaky": "teep.limits.leaky('fleet', 1, 0.05, wait_timeout=60)",
}
PER_SECOND = {"bucket": 50, "window": 50, "leaky": 20}


def measure(url: str, kind: str, seconds: float) -> dict[str, float]:
    """Run the processes, and return the most in any window, and how much was used (per cent)."""
    program = [sys.executable, "-m", "bench.limits.fleet", url, kind, str(time.time() + _WARM_UP), str(seconds)]
    running = [subprocess.Popen(program, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)]
    moments = sorted(moment for each in running for moment in json.loads(each.communicate(timeout=seconds + 60)[0]))
    return {"most": most(moments, kind), "used": used(moments, kind) * 100, "calls": len(moments)}


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


def used(moments: list[int], kind: str) -> float:
    """Return which part of the limit was used, in the whole seconds between the first and the last second."""
    begin, end = moments[0] // 1_000_000 + 1, moments[-1] // 1_000_000
    inside = [moment for moment in moments if begin <= moment / 1_000_000 < end]
    return len(inside) / ((end - begin) * PER_SECOND[kind])


def main(url: str, kind: str, begin: float, seconds: float) -> None:
    """Enter the limit until the time is over, and print when it let this process in."""
    import teep  # noqa: PLC0415 - for the program only
    from teep.config import driver_for  # noqa: PLC0415
    from teep.wire.command import Command, Pipeline  # noqa: PLC0415
    from teep.wire.scripts.script import ScriptCall  # noqa: PLC0415

    config = teep.configure(redis_url=url)
    limit = eval(LIMITS[kind], {"teep": teep})
    driver = driver_for(config)
    execute, moments = driver.execute, list[int]()

    def timed(command: Any) -> Any:
        """Carry a command out, and note when it was if a limit let this process in."""
        if not isinstance(command, ScriptCall):
            return execute(command)
        clock = Command("TIME", read=lambda reply: int(reply[0]) * 1_000_000 + int(reply[1]))
        answer, moment = execute(Pipeline([command, clock]))
        if answer in (True, [True]):
            moments.append(moment)
        return answer

    setattr(driver, "execute", timed)  # noqa: B010 - to a type checker it is a method
    time.sleep(max(0.0, begin - time.time()))
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        with limit.within_limit():
            pass
    print(json.dumps(moments))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4]))
