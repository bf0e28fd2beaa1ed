"""`teep periodic`: the periodic jobs and when they run next; and to run, pause and delete them."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import click

from teep.cli.command import argument
from teep.cli.options import Looking
from teep.cli.printing import print_json, print_lines, print_table
from teep.cli.showing.spans import ago, shown, stamp
from teep.config.sources.names import meant
from teep.errors import InvalidSchedule, InvalidValue, UnknownEntry
from teep.telling import on_one_line

if TYPE_CHECKING:
    from datetime import datetime

    from teep.api.periodic import PeriodicEntry, PeriodicSet

_VERBS = ("list", "run", "pause", "unpause", "delete")

Verb = Annotated[
    str,
    argument(
        type=click.Choice(_VERBS), required=False, default="list", help="What to do; without one, they are listed."
    ),
]
Names = Annotated[tuple[str, ...], argument(metavar="[NAME]...", help="The names of the entries to do it to.")]


@dataclass(frozen=True, eq=False, repr=False)
class PeriodicFlags(Looking):
    """What to do, and to which entries."""

    verb: Verb = "list"
    names: Names = ()


def periodic(flags: PeriodicFlags) -> None:
    """Show the periodic jobs and when each runs next; or run, pause, unpause or delete some by their names.

    Example: [bold]teep periodic pause nightly[/bold]
    """
    from teep.api import leader
    from teep.api.periodic import PeriodicSet

    config = flags.configured()
    entries = PeriodicSet(config=config)
    if flags.verb != "list":
        _act(flags, entries)
        return
    known = {entry.name: entry for entry in entries}
    _must_be_known(flags.names, known)
    found = [entry for name, entry in known.items() if not flags.names or name in flags.names]
    if flags.as_json:
        print_lines(map(_described, found))
    elif not found:
        print("There are no periodic jobs yet: those of your code are here once a worker runs it.")
    else:
        print_table(["name", "next", "schedule", "last"], [_row(entry) for entry in found], of_texts=True)
        if leader(config=config) is None:
            print("No worker leads now, so none is fired until one starts.")


def _act(flags: PeriodicFlags, entries: "PeriodicSet") -> None:
    if not flags.names:
        raise InvalidValue(f"give the names of the periodic jobs to {flags.verb}")
    done: Mapping[str, tuple[Callable[[str], Any], str]] = {
        "run": (entries.enqueue_now, "is pushed"),
        "pause": (entries.pause, "is paused"),
        "unpause": (entries.unpause, "goes on"),
        "delete": (entries.delete, "is deleted"),
    }
    act, words = done[flags.verb]
    known = {entry.name: entry for entry in entries}
    _must_be_known(flags.names, known)
    results = {name: act(name) for name in flags.names}
    if flags.as_json:
        print_json(results)
        return
    for name, result in results.items():
        told = f" as {result}" if isinstance(result, str) else "" if result else " already"
        comes_back = flags.verb == "delete" and known[name].source == "static"
        again = "; the leader that declares it writes it anew" if comes_back else ""
        print(f"{on_one_line(name)} {words}{told}{again}")


def _must_be_known(names: Collection[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            near = next((each for each in known if each.endswith(f".{name}")), None) or meant(name, known)
            raise UnknownEntry(f"there is no periodic job {name!r}{f'; did you mean {near!r}?' if near else ''}")


def _described(entry: "PeriodicEntry") -> dict[str, Any]:
    words, last_at, next_at = _read(entry)
    return {
        "name": entry.name,
        "class": entry.klass,
        "args": entry.args,
        "schedule": entry.schedule,
        "tz": entry.tz,
        "words": words,
        "source": entry.source,
        "paused": entry.paused,
        "last_at": stamp(last_at),
        "next_at": stamp(next_at),
    }


def _row(entry: "PeriodicEntry") -> tuple[str, ...]:
    words, last_at, next_at = _read(entry)
    return entry.name, "paused" if entry.paused else shown(next_at), words, ago(last_at)


def _read(entry: "PeriodicEntry") -> "tuple[str, datetime | None, datetime | None]":
    """Return a schedule in words, its last and its next tick; of one that this machine cannot read, why."""
    try:
        return entry.explain(), entry.last_at, entry.next_at
    except InvalidSchedule as error:
        return f"{entry.schedule} ({error})", None, None
