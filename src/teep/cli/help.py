"""The help of a command as a page: usage, description, example, and its parameters in boxes.

It draws them by itself: what could draw any table takes longer to import than all else that a help needs.
"""

import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from inspect import cleandoc

import click

from teep.cli.commands.index import Entry
from teep.telling import takes_colour

_BOLD, _DIM, _YELLOW, _NAME, _SHORT = "1", "2", "33", "1;36", "1;32"

_MARKUP = re.compile(r"\[bold\](.*?)\[/bold\]")
_STYLE = re.compile(r"\033\[[0-9;]*m")
_LEAST = 40
"""Columns of the page."""
_NARROWEST = 24
"""Columns of the text on a parameter; with fewer it stands below the parameter's name."""

_Row = tuple[str, ...]


_Sections = Mapping[str, Mapping[str, Entry]]


def page(command: click.Command, ctx: click.Context, sections: _Sections) -> str:
    """Return the page, with a group's commands by their sections; in colour if standard output is a terminal."""
    width = max(shutil.get_terminal_size().columns, _LEAST)
    usage = " ".join(command.collect_usage_pieces(ctx))
    lines = [*_paragraph(f"{_styled('Usage:', _YELLOW)} {_styled(ctx.command_path, _BOLD)} {usage}", width)]
    for text in _paragraphs(command.help):
        lines += _paragraph(text, width)
    for title, rows in _boxes(command, ctx, sections):
        if rows:
            lines += _box(title, rows, width)
    for text in _paragraphs(command.epilog):
        lines += ["", *_paragraph(text, width)]
    page = "\n".join(lines).rstrip("\n")
    return page if takes_colour(sys.stdout) else _plain(page)


def _paragraphs(text: str | None) -> list[str]:
    """Return the paragraphs of a docstring, each as one line, with what is marked as bold in bold."""
    parts = [" ".join(part.split()) for part in cleandoc(text or "").split("\n\n") if part]
    return [_MARKUP.sub(lambda found: _styled(found[1], _BOLD), part) for part in parts]


def _paragraph(text: str, width: int) -> Iterator[str]:
    yield from (f" {line}" for line in _wrapped(text, width - 2))
    yield ""


def _boxes(command: click.Command, ctx: click.Context, sections: _Sections) -> Iterable[tuple[str, list[_Row]]]:
    params = command.get_params(ctx)
    yield "Arguments", [_argument(param, ctx) for param in params if isinstance(param, click.Argument)]
    yield "Options", [_option(param, ctx) for param in params if isinstance(param, click.Option)]
    wide = max((len(name) for entries in sections.values() for name in entries), default=0)  # the same in all boxes
    for section, entries in sections.items():
        yield section, [(_styled(f"{name:{wide}}", _NAME), entry.summary) for name, entry in entries.items()]


def _box(title: str, rows: Sequence[_Row], width: int) -> Iterator[str]:
    inside = width - 4
    yield f"╭─ {title} ".ljust(width - 1, "─") + "╮"
    for line in _cells(rows, inside):
        yield f"│ {line}{' ' * (inside - len(_plain(line)))} │"
    yield f"╰{'─' * (width - 2)}╯"


def _cells(rows: Sequence[_Row], width: int) -> Iterator[str]:
    """Return the lines of rows with columns one below the other, of which the last one is wrapped."""
    *firsts, _ = zip(*rows, strict=True)
    wide = [max(len(_plain(cell)) for cell in column) for column in firsts]
    used = sum(each + 2 for each in wide if each)
    for *cells, said in rows:
        padded = [
            f"{cell}{' ' * (each - len(_plain(cell)))}  " for cell, each in zip(cells, wide, strict=True) if each
        ]
        if width - used < _NARROWEST:
            yield from _wrapped("  ".join(filter(None, cells)), width)
            yield from (f"  {line}" for line in _wrapped(said, width - 2))
            continue
        first, *more = _wrapped(said, width - used) or [""]
        yield "".join(padded) + first
        yield from (" " * used + line for line in more)


def _argument(param: click.Argument, ctx: click.Context) -> _Row:
    return _styled(param.make_metavar(ctx), _NAME), getattr(param, "help", None) or ""


def _option(param: click.Option, ctx: click.Context) -> _Row:
    names = [*param.opts, *param.secondary_opts]
    long = ", ".join(name for name in names if name.startswith("--"))
    short = ", ".join(name for name in names if not name.startswith("--"))
    value = "" if param.is_flag else param.make_metavar(ctx)
    extra = param.get_help_extra(ctx)
    notes = [f"[env var: {', '.join(extra['envvars'])}]"] if "envvars" in extra else []
    notes += [f"[{extra['range']}]"] if "range" in extra else []
    notes += [f"[default: {extra['default']}]"] if "default" in extra else []
    said = " ".join([param.help or "", *(_styled(note, _DIM) for note in notes)])
    return _styled(long, _NAME), _styled(short, _SHORT), _styled(value, _YELLOW), said


def _wrapped(text: str, width: int) -> list[str]:
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if line and len(_plain(longer)) > width:
            lines.append(line)
            longer = word
        line = longer
    return [*lines, line] if line else lines


def _styled(text: str, style: str) -> str:
    """Return a string in a style, each word for itself, so that it can be wrapped between any two."""
    return re.sub(r"\S+", lambda word: f"\033[{style}m{word[0]}\033[0m", text)


def _plain(text: str) -> str:
    return _STYLE.sub("", text)
