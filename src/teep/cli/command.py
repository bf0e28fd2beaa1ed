"""A command of click's, made from a dataclass: each field is annotated with the option or the argument that sets it.

click only reads the command line. The command runs afterwards, with nothing of click's around it: click would give
other exit codes to Ctrl-C, and take a broken pipe anywhere for one of standard output.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from inspect import get_annotations
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import click

from teep.cli.commands.index import Entry

F = TypeVar("F")


class Argument(click.Argument):
    """An argument with a help, which click's own does not have."""

    def __init__(self, *args: Any, help: str, **attributes: Any) -> None:  # noqa: A002 - click's word for it
        super().__init__(*args, **attributes)
        self.help = help


@dataclass(frozen=True)
class Declared:
    """How the command line sets a field: the attributes for click that the field itself does not have."""

    kind: type[click.Option] | type[Argument]
    names: tuple[str, ...]
    attributes: Mapping[str, Any]


def option(*names: str, help: str, **attributes: Any) -> Declared:  # noqa: A002 - click's word for it
    """Annotate a field that an option sets; the attributes are those of `click.Option`."""
    return Declared(click.Option, names, {"help": help, **attributes})


def argument(*, help: str, **attributes: Any) -> Declared:  # noqa: A002 - click's word for it
    """Annotate a field that an argument sets; the attributes are those of `click.Argument`."""
    return Declared(Argument, (), {"help": help, **attributes})


class Command(click.Command):
    """A command whose help is a page with boxes. A group has the entries of its commands, by their sections."""

    sections: Mapping[str, Mapping[str, Entry]] = {}

    def get_help(self, ctx: click.Context) -> str:
        from teep.cli.help import page

        return page(self, ctx, self.sections)


def command(name: str, run: Callable[[F], int | None]) -> Command:
    """Return a command that gives a call of `run` with its flags, a dataclass, as the command line sets them.

    Its help is the docstring of `run`, which returns an exit code; None is 0. Flags that others share come last.
    """
    flags: type[F] = get_annotations(run)["flags"]

    def read(**values: Any) -> Callable[[], int | None]:
        return partial(run, flags(**values))

    hints = get_type_hints(flags, include_extras=True)
    fields = dict.fromkeys(name for kind in flags.__mro__ for name in get_annotations(kind))
    params = [_parameter(field, getattr(flags, field, None), *get_args(hints[field])) for field in fields]
    return Command(name, params=params, callback=read, help=run.__doc__)


def _parameter(name: str, default: Any, hint: Any, declared: Declared) -> click.Parameter:
    how = {**_reading(hint, declared.kind), **declared.attributes}
    if declared.kind is click.Option:
        how["default"] = default
    return declared.kind([name, *declared.names], **how)


def _reading(hint: Any, kind: type[click.Parameter]) -> dict[str, Any]:
    """Return the attributes by which click reads values of an annotation's type."""
    parts = get_args(hint)
    wanted = parts[0] if NoneType in parts else hint
    if get_origin(wanted) is tuple:
        return {"multiple": True} if kind is click.Option else {"nargs": -1}
    return {"is_flag": True} if wanted is bool else {"type": wanted}
