"""What must hold of jobs under a limit: never more run than it lets through, and no place is kept for ever."""

from collections.abc import Iterator, Mapping

from teep.wire import keys
from tests.chaos.causes import Causes
from tests.chaos.kinds import LIMIT, LIMITED
from tests.chaos.life import Life
from tests.support.servers import Server

_LINE = keys.limit_line(LIMITED)


def problems(lives: Mapping[int, Life], causes: Causes) -> Iterator[tuple[str, int]]:
    """Yield each run that began while as many others ran as may, and the number of its job.

    Left out are runs of processes that were given up or stood still, which lose their places, and those around a
    failover, which may forget who holds one. A job that has expired or is skipped is taken out of its queue, and
    needs no place.
    """
    limited = (run for life in lives.values() if life.job.limited for run in life.runs)
    runs = sorted(
        (run for run in limited if run.outcome not in ("expired", "skipped") and causes.keeps_its_place(run)),
        key=lambda run: run.start,
    )
    inside: list[float] = []
    for run in runs:
        inside = [end for end in inside if end > run.start]
        if len(inside) >= LIMIT:
            yield f"began beside {len(inside)} others, though {LIMIT} may run", run.number
        inside.append(causes.gone(run))


def held(server: Server) -> list[str]:
    """Return those that hold a place now."""
    seconds, microseconds = server.command("TIME")
    now = int(seconds) * 1_000_000 + int(microseconds)
    return [str(holder, "utf-8") for holder in server.command("ZRANGEBYSCORE", _LINE, now, "+inf")]
