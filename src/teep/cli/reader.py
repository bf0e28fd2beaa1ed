"""The flags of a process that lives long, read without what typer loads to read them.

That is pydantic: 8 MB (typer 0.29) which a worker would hold for as long as it runs, and a third of its start. So
argparse reads a command line that is in order. Any other one, and `--help`, is left to typer, which explains itself.
"""

import argparse
from collections.abc import Sequence
from types import NoneType
from typing import Any, NoReturn, TypeVar, get_args, get_origin, get_type_hints

from typer.models import ArgumentInfo, OptionInfo

F = TypeVar("F")


class _NotInOrder(Exception):
    """The command line is not what the flags allow."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _NotInOrder(message)


def read(flags: type[F], words: Sequence[str]) -> F | None:
    """Return what a command line says, as typer would; None where typer has something to say about it.

    `flags` is a dataclass whose fields are annotated with typer's options and arguments.
    """
    parser = _Parser(add_help=False, allow_abbrev=False, argument_default=argparse.SUPPRESS)
    for name, hint in get_type_hints(flags, include_extras=True).items():
        kind, info = get_args(hint)
        if isinstance(info, OptionInfo):
            _add_option(parser, name, _bare(kind), info)
        elif isinstance(info, ArgumentInfo):
            parser.add_argument(name, nargs="*")
    if "--" in words:
        return None  # argparse, which lets options stand between arguments, would look for them behind it, too
    try:
        return flags(**vars(parser.parse_intermixed_args(words)))
    except _NotInOrder:
        return None


def _add_option(parser: _Parser, name: str, kind: Any, info: OptionInfo) -> None:
    # Within an annotation, typer takes the first for a default until it reads the signature.
    declared: list[str] = [word for word in (info.default, *(info.param_decls or ())) if isinstance(word, str)]
    if kind is bool:
        for word in declared:
            yes, _, no = word.partition("/")
            parser.add_argument(yes, dest=name, action="store_true")
            if no:
                parser.add_argument(no, dest=name, action="store_false")
    elif get_origin(kind) is list:
        parser.add_argument(*declared, dest=name, action="append")
    else:
        parser.add_argument(*declared, dest=name, type=kind)


def _bare(kind: Any) -> Any:
    """Return a type without its `| None`."""
    parts = get_args(kind)
    return parts[0] if NoneType in parts else kind
