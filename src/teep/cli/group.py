"""Groups of commands, each of which is imported when it is asked for."""

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import cast

import click

from teep.cli.command import Command, command
from teep.cli.commands.index import Entry


class Group(Command, click.Group):
    """A command that has others, by their sections. Alone, it shows them on standard output."""

    def __init__(self, name: str, sections: Mapping[str, Mapping[str, Entry]], summary: str) -> None:
        loading = cast("MutableMapping[str, click.Command]", _Loading(sections))  # click reads it only
        super().__init__(name, commands=loading, help=summary)
        self.sections = sections

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help())
            ctx.exit(2)
        return super().parse_args(ctx, args)


class _Loading(Mapping[str, Command]):
    """The commands of a group. To look one up imports it."""

    def __init__(self, sections: Mapping[str, Mapping[str, Entry]]) -> None:
        self._entries = {name: entry for entries in sections.values() for name, entry in entries.items()}
        self._loaded: dict[str, Command] = {}

    def __getitem__(self, name: str) -> Command:
        if name not in self._loaded:
            self._loaded[name] = _load(name, self._entries[name])
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def _load(name: str, entry: Entry) -> Command:
    if entry.group:
        return Group(name, {"Commands": entry.group}, entry.summary)
    module = import_module(f"teep.cli.commands.{entry.module}")
    return command(name, getattr(module, name))
