"""What a run gives: sections of one table each, for the terminal and as one Markdown page."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table


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

    def markdown(self) -> str:
        rule = ["---", *("---:" for _ in self.headings[1:])]
        lines = ["| " + " | ".join(cells) + " |" for cells in (self.headings, rule, *self.rows)]
        notes = [f"- {note}" for note in self.notes]
        return "\n".join([f"## {self.title}", "", self.lead, "", *lines, "", *notes, ""])


def page(sections: Sequence[Section], circumstances: Sequence[str]) -> str:
    """One Markdown page of all sections, under the machine, date and versions they share."""
    intro = [
        "# Benchmarks",
        "",
        "Written by `make bench`, which measures all of this anew. Every system is visited in turn, in several",
        "rounds; a figure is the median with the extremes beside it, a ratio is taken within a round.",
        "",
        *(f"- {sentence}" for sentence in circumstances),
        "",
    ]
    return "\n".join([*intro, "\n".join(section.markdown() for section in sections)])
