"""Writes the second part of docs/cli.md from the commands: `python -m tests.docs.cli_page`, or `make reference`.

The part above the mark is written by hand; test_cli_page.py compares the one below with the commands.
"""

import re
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import click

from teep.cli.app import app

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
MARK = "<!-- From here on it is written by `make reference`. -->\n"
_MARKUP = re.compile(r"\[/?bold\]")


def head() -> str:
    """The part that is written by hand."""
    return PAGE.read_text("utf-8").partition(MARK)[0]


def reference() -> str:
    """The part that is written from the commands."""
    lines: list[str] = []
    for section, entries in app.sections.items():
        lines += [f"## {section}", ""]
        for name in entries:
            command = app.commands[name]
            inner = command.commands if isinstance(command, click.Group) else {}
            each: list[tuple[tuple[str, ...], click.Command]] = [((name, sub), one) for sub, one in inner.items()]
            for words, one in each or [((name,), command)]:
                lines += _command(words, one)
    return "\n".join(lines).rstrip() + "\n"


def _command(words: tuple[str, ...], command: click.Command) -> Iterator[str]:
    with click.Context(command, info_name=" ".join(("teep", *words))) as context:
        yield f"### teep {' '.join(words)}"
        yield ""
        *said, example = _paragraphs(command)
        for paragraph in said:
            yield from (paragraph, "")
        yield from ("```sh", _MARKUP.sub("", example.removeprefix("Example: ")), "```", "")
        rows = [_row(param, context) for param in command.params]
        if rows:
            yield from ("| | |", "|---|---|", *rows, "")


def _paragraphs(command: click.Command) -> list[str]:
    return [" ".join(part.split()) for part in cleandoc(command.help or "").split("\n\n") if part]


def _row(param: click.Parameter, context: click.Context) -> str:
    names = ", ".join(f"`{name}`" for name in [*param.opts, *param.secondary_opts] if name.startswith("-"))
    if isinstance(param, click.Argument):
        shown = f"`{param.make_metavar(context)}`"
    elif isinstance(param, click.Option) and not param.is_flag:
        shown = f"{names} `{param.make_metavar(context)}`"
    else:
        shown = names
    notes = list(_notes(param))
    said = " ".join([getattr(param, "help", None) or "", *notes]).strip()
    return f"| {_cell(shown)} | {_cell(said)} |"


def _notes(param: click.Parameter) -> Iterator[str]:
    if not isinstance(param, click.Option):
        return
    if param.show_envvar:
        yield f"Variable: `{param.envvar}`."
    if param.show_default:
        yield f"Default: {param.default}."


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


if __name__ == "__main__":
    PAGE.write_text(f"{head()}{MARK}\n{reference()}", "utf-8")
