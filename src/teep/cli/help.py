"""The help of a command as a page: usage, description, example, and its parameters in boxes."""

from collections.abc import Iterable
from inspect import cleandoc

import click
from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

_Row = tuple[Text, ...]


def page(command: click.Command, ctx: click.Context) -> str:
    """Return the page, with colours if standard output is a terminal."""
    console = Console(highlight=False)
    with console.capture() as capture:
        usage = " ".join(command.collect_usage_pieces(ctx))
        console.print(_paragraph(Text.assemble(("Usage: ", "yellow"), (ctx.command_path, "bold"), f" {usage}")))
        for text in _paragraphs(command.help):
            console.print(_paragraph(Text.from_markup(text)))
        for title, rows in _boxes(command, ctx):
            if rows:
                console.print(_box(title, rows))
        for text in _paragraphs(command.epilog):
            console.print(Padding(Text.from_markup(text), (1, 1, 0, 1)))
    return capture.get().rstrip("\n")


def _paragraphs(text: str | None) -> list[str]:
    """Return the paragraphs of a docstring, each as one line, which the console wraps."""
    return [" ".join(part.split()) for part in cleandoc(text or "").split("\n\n") if part]


def _paragraph(text: Text) -> Padding:
    return Padding(text, (0, 1, 1, 1))


def _boxes(command: click.Command, ctx: click.Context) -> Iterable[tuple[str, list[_Row]]]:
    params = command.get_params(ctx)
    yield "Arguments", [_argument(param, ctx) for param in params if isinstance(param, click.Argument)]
    yield "Options", [_option(param, ctx) for param in params if isinstance(param, click.Option)]
    if isinstance(command, click.Group):
        yield from _sections(command)


def _sections(group: click.Group) -> Iterable[tuple[str, list[_Row]]]:
    """Return the commands of a group by their sections, in the order in which they were added."""
    sections: dict[str, list[_Row]] = {}
    width = max(map(len, group.commands), default=0)  # so that the boxes have their columns one below the other
    for name, each in group.commands.items():
        row = _command(name.ljust(width), each)
        sections.setdefault(getattr(each, "section", "Commands"), []).append(row)
    return sections.items()


def _box(title: str, rows: list[_Row]) -> Panel:
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    for column in range(len(rows[0])):
        last = column == len(rows[0]) - 1
        table.add_column(no_wrap=not last, ratio=1 if last else None)
    for row in rows:
        table.add_row(*row)
    return Panel(table, title=title, title_align="left", border_style="dim")


def _argument(param: click.Argument, ctx: click.Context) -> _Row:
    return Text(param.make_metavar(ctx), "bold cyan"), Text(getattr(param, "help", None) or "")


def _option(param: click.Option, ctx: click.Context) -> _Row:
    names = [*param.opts, *param.secondary_opts]
    long = ", ".join(name for name in names if name.startswith("--"))
    short = ", ".join(name for name in names if not name.startswith("--"))
    value = "" if param.is_flag else param.make_metavar(ctx)
    extra = param.get_help_extra(ctx)
    notes = [f"[env var: {', '.join(extra['envvars'])}]"] if "envvars" in extra else []
    notes += [f"[{extra['range']}]"] if "range" in extra else []
    notes += [f"[default: {extra['default']}]"] if "default" in extra else []
    help_ = Text.assemble(param.help or "", *((f" {note}", "dim") for note in notes))
    return Text(long, "bold cyan"), Text(short, "bold green"), Text(value, "yellow"), help_


def _command(name: str, command: click.Command) -> _Row:
    summary = _paragraphs(command.help)[0]
    return Text(name, "bold cyan"), Text.from_markup(summary)
