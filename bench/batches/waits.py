"""How soon `result(jid).get()` returns: beside the pickup of the very same jobs, by the clock that all share."""

import json
import subprocess
import sys
from pathlib import Path
from statistics import quantiles

from bench.errors import BenchError
from bench.process import Process
from bench.server import Server
from bench.system import System
from bench.visit import visiting

_PAUSE = 0.02
_PROGRAM = "import sys; from bench.batches.jobs import main; main(int(sys.argv[1]), float(sys.argv[2]))"


def measure(system: System, server: Server, directory: Path, pushes: int) -> dict[str, float]:
    """Return the 50th and 99th percentile of both (seconds). The first tenth warms up, and is left out."""
    jobs = pushes + pushes // 10
    with visiting(system, server, jobs, directory, lambda _: None) as visit, visit.running() as process:
        visit.push("noop", range(1))
        visit.wait_done(process, range(1))
        visit.settle(process)
        visit.marks.clear()
        env = Process.environment({"REDIS_URL": server.url, "BENCH_MARKS": str(visit.marks.path)})
        program = [sys.executable, "-c", _PROGRAM, str(jobs), str(_PAUSE)]
        done = subprocess.run(program, check=False, env=env, capture_output=True, text=True, timeout=600)
        if done.returncode:
            raise BenchError(f"waiting for results failed:\n{done.stderr[-2000:]}")
        moments: list[tuple[int, int]] = json.loads(done.stdout)
        runs = visit.marks.moments()
    pickups = [(run - pushed) / 1e9 for (pushed, _), run in zip(moments, runs, strict=True)]
    waits = [(came - pushed) / 1e9 for pushed, came in moments]
    found: dict[str, float] = {}
    for name, seconds in (("pickup", pickups), ("get", waits)):
        percentiles = quantiles(seconds[-pushes:], n=100, method="inclusive")
        found |= {f"{name} p50": percentiles[49], f"{name} p99": percentiles[98]}
    return found
