"""What a run gives: sections of one table each, for the terminal and as one Markdown page."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table

_INTRODUCTION = """\
# Benchmarks

Written by `make bench`, which measures all of this anew; `make bench ARGS="pickup --rounds 5"` measures a part, and
renews its section alone. Everything runs on one machine, over loopback TCP, on one Redis without persistence. Every
system is visited in turn, in several rounds; a figure is the median with the extremes beside it, a ratio is taken
within a round. `loop` is how long a fixed loop of pure Python took just before a visit, in milliseconds: where it
differs, so did the machine's speed. A system that lost a job, ran one twice or left one in Redis gets no figure.
`bench/` says how each is measured and with which settings; `teep bench` measures teep alone, on your machine.
"""


@dataclass(frozen=True, slots=True)
class Section:
    """A table under its title. `lead` says what is measured; `notes` are sentences that belong below it."""

    title: str
    lead: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]

    def table(self) -> Table:
        """For a terminal of 120 columns."""
        table = Table(
            title=self.title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True
        )
        for number, heading in enumerate(self.headings):
            table.add_column(heading, justify="right" if number else "left", no_wrap=True)
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self, circumstances: Sequence[str]) -> str:
        """With the sentences that say what it was measured on."""
        rule = ["---", *("---:" for _ in self.headings[1:])]
        lines = ["| " + " | ".join(cells) + " |" for cells in (self.headings, rule, *self.rows)]
        notes = [f"- {note}" for note in (*self.notes, *circumstances)]
        return "\n".join([f"## {self.title}", "", self.lead, "", *lines, "", *notes, ""])


def page(sections: Sequence[Section], circumstances: Sequence[str], former: str = "") -> str:
    """One Markdown page of these sections; those that only the `former` page has stay as they are."""
    parts = _parts(former)
    parts |= {section.title: section.markdown(circumstances) for section in sections}
    return "\n".join([_INTRODUCTION, *parts.values()])


def _parts(text: str) -> dict[str, str]:
    """The sections of a page by their titles, in order."""
    found = re.findall(r"^(## (.+)\n(?:(?!## ).*\n)*)", text, re.MULTILINE)
    return {title: part.rstrip("\n") + "\n" for part, title in found}
