"""`teep limits`: how much of each limit is used."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from teep.cli.command import argument
from teep.cli.endings import DONE, nothing
from teep.cli.options import Looking
from teep.cli.printing import Column, print_lines, show, table
from teep.cli.showing.spans import span, stamp, until
from teep.config.sources.names import nearest
from teep.telling import on_one_line

if TYPE_CHECKING:
    from teep.api.limits import Limiter

Names = Annotated[tuple[str, ...], argument(metavar="[NAME]...", help="Only these limits.")]

_COLUMNS = [
    Column("limit", style="bold", is_long=True), Column("kind"), Column("used", is_figure=True),
    Column("of", is_figure=True), Column("per", is_figure=True), Column("waiting", is_figure=True),
    Column("free", is_figure=True), Column("over", is_figure=True),
]  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class LimitsFlags(Looking):
    """Which limits."""

    names: Names = ()


def limits(flags: LimitsFlags) -> int:
    """Show the limits that were used lately: how much is taken, and how many jobs wait for each.

    "over" counts how often one was refused. A limit that nobody uses is forgotten after some time.

    Example: [bold]teep limits[/bold]
    """
    from teep.api.limits import LimiterSet

    known = {limiter.name: limiter for limiter in LimiterSet(config=flags.configured())}
    if missing := [name for name in flags.names if name not in known]:
        near = nearest(missing[0], known)
        hint = f"; did you mean {on_one_line(near)}?" if near else "."
        return nothing(f"No limit {on_one_line(missing[0])} was used lately{hint}")
    found = [known[name] for name in flags.names or known]
    if flags.as_json:
        print_lines(map(_told, found))
    elif not found:
        print("No limit was used lately.")
    else:
        show(table(_COLUMNS, map(_row, found)))
    return DONE


def _row(limiter: "Limiter") -> tuple[str, ...]:
    now = limiter.read
    return (
        limiter.name,
        limiter.kind,
        f"{now.used:,}",
        f"{now.limit:,}" + ("" if now.limit == now.declared else " (set)"),
        _interval(limiter.interval),
        f"{now.waiting:,}",
        "paused" if now.paused_until is not None else until(now.free_at) or "now",
        f"{now.over:,}",
    )


def _interval(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return span(seconds) if seconds >= 1 else f"{seconds:g} s"


def _told(limiter: "Limiter") -> dict[str, Any]:
    now = limiter.read
    moments = {"free_at": stamp(now.free_at), "paused_until": stamp(now.paused_until)}
    return {"name": limiter.name, "kind": limiter.kind, "interval": limiter.interval, **now._asdict(), **moments}
