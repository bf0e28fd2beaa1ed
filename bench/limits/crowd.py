"""Jobs of 10 ms in 50 threads under a concurrent limit of 5: their rate, and how many ran at once.

The program runs the worker; at its end it prints the rate, also beside that of the same jobs in five threads without
a limit, the most that ran at once by the jobs' own count, and the most holders that were ever in Redis.
"""

import json
import subprocess
import sys
import threading
import time
from typing import Any

_LIMIT, _SECONDS, _THREADS = 5, 0.01, 50


def measure(url: str, jobs: int) -> dict[str, float]:
    """Run the program, and return what it printed."""
    program = [sys.executable, "-m", "bench.limits.crowd", url, str(jobs)]
    printed = subprocess.run(program, check=True, capture_output=True, text=True, timeout=300).stdout
    found: dict[str, float] = json.loads(printed)
    return found


def main(url: str, jobs: int) -> None:
    """Run so many jobs in as many threads as the limit lets through, and then in all threads under the limit."""
    import teep  # noqa: PLC0415 - for the program only

    bare = _run(teep.configure(redis_url=url, concurrency=_LIMIT), jobs, None)
    found = _run(teep.configure(redis_url=url, concurrency=_THREADS), jobs, teep.limits.concurrent("crowd", _LIMIT))
    ideal = _LIMIT / _SECONDS
    print(
        json.dumps(
            {
                "rate": found["rate"],
                "ideal": found["rate"] / ideal * 100,
                "bare": found["rate"] / bare["rate"] * 100,
                "at_once": found["at_once"],
                "held": found["held"],
            }
        )
    )


def _run(config: Any, jobs: int, limit: Any) -> dict[str, float]:
    """Return the rate once it is steady, the most that ran at once, and the most holders."""
    import teep  # noqa: PLC0415
    from teep.worker import Worker  # noqa: PLC0415

    lock, starts, counts = threading.Lock(), list[float](), [0, 0, 0]

    @teep.job(name=f"nap-{limit is None}", limit=limit)
    def nap(_number: int) -> None:
        with lock:
            counts[0] += 1
            counts[1] = max(counts[:2])
            starts.append(time.monotonic())
        time.sleep(_SECONDS)
        with lock:
            counts[0] -= 1

    nap.perform_bulk([number] for number in range(jobs))
    limiters = teep.LimiterSet()
    worker = Worker(config)
    worker.start()
    while len(starts) < jobs:
        time.sleep(0.05)
        if limit and (limiter := limiters.get("crowd")) is not None:
            counts[2] = max(counts[2], limiter.read.used)
    worker.stop(5)
    steady = sorted(starts)[jobs // 4 :]
    return {"rate": (len(steady) - 1) / (steady[-1] - steady[0]), "at_once": counts[1], "held": counts[2]}


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
