"""The report of a run: sections of one table each, for the terminal and as one Markdown page."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table

from bench.goals import HEADINGS

_INTRODUCTION = """\
# Benchmarks

Written by `make bench`, which measures all of this anew; `make bench ARGS="pickup --rounds 5"` measures a part, and
renews its section alone. Everything runs on one machine, over loopback TCP, on one Redis without persistence. Every
system is visited in turn, in several rounds; a figure is the median with the extremes beside it, a ratio is taken
within a round. `loop` is how long a fixed loop of pure Python took just before a visit, in milliseconds: if it
differs, so did the machine's speed. A system that lost a job, ran one twice or left one in Redis gets no figure.
Goals are those that teep was built to reach. `bench/` says how each is measured and with which settings; `teep bench`
measures teep alone, on your machine.
"""


@dataclass(frozen=True, slots=True)
class Section:
    """A table under its title.

    `lead` says what is measured; `notes` are sentences for below it; `goals` are rows of a second table.
    """

    title: str
    lead: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]
    goals: Sequence[Sequence[str]] = ()

    def tables(self) -> list[Table]:
        """The tables of the section for a terminal of 120 columns."""
        figures = _table(self.title, self.headings, self.rows)
        return [figures, _table("", HEADINGS, self.goals)] if self.goals else [figures]

    def markdown(self, circumstances: Sequence[str]) -> str:
        """The section in Markdown, with the `circumstances`: sentences about the machine and the versions."""
        goals = ["", *_markdown(HEADINGS, self.goals)] if self.goals else []
        notes = [f"- {note}" for note in (*self.notes, *circumstances)]
        lines = [*_markdown(self.headings, self.rows), *goals]
        return "\n".join([f"## {self.title}", "", self.lead, "", *lines, "", *notes, ""])


def _table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def _markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    rule = ["---", *("---:" for _ in headings[1:])]
    return ["| " + " | ".join(cells) + " |" for cells in (headings, rule, *rows)]


def page(sections: Sequence[Section], circumstances: Sequence[str], former: str = "") -> str:
    """One Markdown page of these sections; those that only the `former` page has stay as they are."""
    parts = _parts(former)
    parts |= {section.title: section.markdown(circumstances) for section in sections}
    return "\n".join([_INTRODUCTION, *parts.values()])


def _parts(text: str) -> dict[str, str]:
    """The sections of a page by their titles, in order."""
    found = re.findall(r"^(## (.+)\n(?:(?!## ).*\n)*)", text, re.MULTILINE)
    return {title: part.rstrip("\n") + "\n" for part, title in found}
