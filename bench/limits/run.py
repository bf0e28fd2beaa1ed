"""The part "limits" of a run, as a section of the report."""

from collections.abc import Callable

from rich.console import Console

import teep
from bench import goals
from bench.limits import crowd, fleet, trips
from bench.measure import Goal
from bench.progress import Bar
from bench.report import Section
from bench.server import Server

_TITLE = "Limits"
_LEAD = """\
A call of a limit that is not reached, in one thread, beside a bare EVALSHA of `return 1` on the same connection; jobs
of 10 ms in 50 threads under a concurrent limit of 5; and 8 processes that want more than a limit lets through, for 30
seconds, each in a thread for each kind of limit.
"""
_PROCESSES, _SECONDS = 8, 30
_HEADINGS = ("", "figure")
_NOTES = (
    "`x bare` is how many times longer a call takes than the bare script, both with all of their Python.",
    "The most at once is counted by the jobs, and looked up in Redis meanwhile.",
    "`crowd bare` compares with five threads without a limit, which sleep a little over 10 ms, and ask Redis, too.",
    "The most in a second: of the clock for a bucket, else in any, by Redis's clock to a millisecond.",
    "No-op jobs under a limit are in the first section: teep-limited, teep-held.",
)


def measure(rounds: int, scale: float, server: Server, console: Console) -> Section:
    """Measure all of it, with a progress bar on `console`."""
    figures: dict[str, float] = {}
    steps: dict[str, Callable[[], dict[str, float]]] = {
        "calls": lambda: _calls(server, max(2, int(20 * rounds * scale))),
        "crowd": lambda: {f"crowd {key}": value for key, value in crowd.measure(server.url, _jobs(scale)).items()},
        "fleet": lambda: _fleet(server, max(1, round(_PROCESSES * scale)), max(1, round(_SECONDS * scale))),
    }
    with Bar(console, len(steps)) as bar:
        for title, step in steps.items():
            server.client.flushall()
            bar.show(title)
            figures |= step()
            bar.finish_visit()
    rows = [[name, f"{figure:,.1f}"] for name, figure in figures.items()]
    return Section(_TITLE, _LEAD.strip(), _HEADINGS, rows, _NOTES, goals.rows(_GOALS, goals.Figured(figures)))


def _jobs(scale: float) -> int:
    return max(100, int(5_000 * scale))


def _calls(server: Server, rounds: int) -> dict[str, float]:
    taken = trips.measure(teep.Config(redis_url=server.url), rounds)
    bare = taken.pop("bare")
    ratios = {f"{name}, x bare": taken[name] / bare for name in taken}
    return {"bare EVALSHA, µs": bare} | {f"{name}, µs": each for name, each in taken.items()} | ratios


def _fleet(server: Server, processes: int, seconds: int) -> dict[str, float]:
    figures: dict[str, float] = {}
    for kind, found in fleet.measure(server.url, processes, seconds).items():
        figures[f"{kind}: most in a second, of {fleet.PER_SECOND[kind]}"] = found["most"]
        figures[f"{kind}: % used"] = found["used"]
    return figures


_GOALS = (
    Goal("a call of a bucket, x a bare script", 1.3, key="bucket, x bare", at_most=True),
    Goal("a call of a leaky bucket, x a bare script", 1.3, key="leaky, x bare", at_most=True),
    Goal("a limit of 5 over 50 threads: % of the ideal", 95, key="crowd ideal"),
    Goal("the same, % of five threads without a limit", 95, key="crowd bare"),
    Goal("the same, the most at once", 5, key="crowd at_once", at_most=True),
    Goal("the same, the most in Redis", 5, key="crowd held", at_most=True),
    *(
        Goal(
            f"8 processes, {kind}: the most in a second",
            most,
            key=f"{kind}: most in a second, of {most}",
            at_most=True,
        )
        for kind, most in fleet.PER_SECOND.items()
    ),
    *(Goal(f"8 processes, {kind}: % used", 98, key=f"{kind}: % used") for kind in fleet.PER_SECOND),
)
