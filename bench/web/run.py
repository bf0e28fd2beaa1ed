"""The part "web" of a run: all pages and loads, as a section of the report."""

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from bench.progress import Bar
from bench.report import Section
from bench.server import Server
from bench.web import rounds, seeds
from bench.web.load import goals
from bench.web.pages import pages
from bench.web.site import RUBY, Site, ruby_version, sides

_TITLE = "The web page beside Sidekiq's"
_LEAD = """\
A server with one process each, teep's on uvicorn and Sidekiq's on Puma with five threads, on the same Redis with
100,000 jobs in a queue and in each set, and 50 processes with ten running jobs each. How long one visitor waits for a
page, and how many pages a second four visitors get.
"""
_NOTES = (
    "Each page has 25 jobs, and Busy of teep 25 processes besides; `kB` is the size of teep's/Sidekiq's.",
    "One visitor's page is read for that visitor alone; four that see the same share what teep reads once a second.",
    "`x ruby` is how many times more pages a second teep gives.",
    "`loop` is how many ms a fixed loop in Python took meanwhile, which shows how fast the machine was.",
    "The goals below the table are teep's alone; its bulk action runs in the process that serves the pages.",
)


def measure(count: int, scale: float, server: Server, console: Console) -> Section:
    """Measures every page in `count` rounds, with a progress bar on `console`."""
    asked, requests = pages(), max(4, int(100 * scale))
    rows = []
    with TemporaryDirectory(prefix="bench-") as name, Bar(console, len(asked) + 1) as bar:
        directory = Path(name)
        seeds.everything(server, max(200, int(100_000 * scale)))
        with ExitStack() as stack:
            sites = {side: stack.enter_context(Site(side, server.url, directory)) for side in sides()}
            for page in asked:
                bar.show(page.title)
                rows.append(rounds.measure(page, sites, count, requests).row())
                bar.finish_visit()
        bar.show("under load")
        loads = goals(scale, server, directory)
        bar.finish_visit()
    notes = [f"{count} rounds; median (min-max).", *_NOTES, *_missing()]
    return Section(_TITLE, _LEAD.strip(), rounds.HEADINGS, rows, notes, loads)


def _missing() -> list[str]:
    if RUBY in sides():
        return [f"Sidekiq's page is that of {ruby_version()}."]
    return ["Sidekiq is left out: there is no Sidekiq 8 with Puma (as root: .ci/root sid)."]
