"""The demo from its first line to its last."""

import contextlib
import os
import platform
import shutil
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

import teep
from teep.demo import features, speed, stage
from teep.demo.api import glance, report, tour
from teep.demo.files import python_files, share_out, standard_library, write_broken
from teep.demo.fleet.work import WORKERS, Outcome, follow, push
from teep.demo.jobs import watch
from teep.demo.results import Results
from teep.demo.waiting import Witness
from teep.errors import ConfigurationError
from teep.runtime.signals import interruptible

_LOOK_EVERY = 0.5


def run(*, long: bool = False, page: bool = False) -> None:
    """Run it, and leave nothing behind. Within a minute, most of it the work of the jobs.

    Args:
        long: give the long tour of the data API in place of the glance.
        page: serve the web page from the start on, and stay until Ctrl-C.

    Raises:
        WorkerEnded: the worker ended.
        DemoFailed: what it waits for did not happen.
        ConfigurationError, EmbeddedServerError: there is no embedded server, or no web page if that is wanted.
    """
    if page and not all(map(find_spec, stage.PAGE_NEEDS)):
        raise ConfigurationError("the web page needs more packages: pip install 'teep[web]'")
    console = Console(highlight=False)
    started = time.monotonic()
    with interruptible(), stage.folder() as folder:
        files = python_files(standard_library())
        broken = write_broken(folder / "broken")
        _introduce(console, folder, len(files), len(broken))
        with (
            stage.server(folder / "data") as url,
            stage.fleet(url, folder, WORKERS) as worker,
            stage.page(url) if page else contextlib.nullcontext("") as address,
        ):
            try:
                _tell(console, _Story(folder, url, files, broken, Witness(worker), address), long=long)
            finally:
                console.print("\nStopping the workers and the server, removing the folder …", style="dim")
    console.print(f"Done in {time.monotonic() - started:.0f} s. Nothing is left running.")
    _say_what_is_next(console)


class _Story(NamedTuple):
    """What the parts of the demo are about."""

    folder: Path
    url: str
    files: list[Path]
    broken: list[Path]
    witness: Witness
    address: str


def _tell(console: Console, story: _Story, *, long: bool) -> None:
    witness, marker = story.witness, story.folder / "marker"
    _work(console, story, long=long)
    marker.touch()
    watch.perform_bulk([[str(marker)]] * 2)  # live work, for the data API to see
    speed.measure(console, story.url)
    witness.wait_until(lambda: teep.WorkSet().size() >= 2, "the heartbeat that shows two running jobs")
    if long:
        tour.give(console, [str(path) for path in story.files], story.broken[0], marker, witness)
    else:
        glance.show(console, str(story.files[0]), story.broken[0])
    features.show(console, witness)
    if story.address:
        _stay(console, story)
    marker.unlink(missing_ok=True)


def _work(console: Console, story: _Story, *, long: bool) -> None:
    results, total = Results(story.folder), len(story.files) + len(story.broken)
    story.witness.wait_until(lambda: teep.ProcessSet().size() >= WORKERS, "the start of the workers")
    push(share_out([*story.files, *story.broken]))
    outcome = follow(console, total, results, story.witness)
    _account_for(console, outcome, total)
    if long:
        report.show_results(console, standard_library(), results.counts)
    report.show_failures(console)


def _account_for(console: Console, outcome: Outcome, total: int) -> None:
    rate = total / outcome.seconds
    console.print(
        f"[bold green]{outcome.analysed + outcome.failed:,} of {total:,} files accounted for[/], none lost:"
        f" {outcome.analysed:,} analysed, {outcome.failed} failed.\nIt took {outcome.seconds:.1f} s,"
        f" {rate:,.0f} files a second.{_twice(outcome.repeated)}"
    )


def _twice(repeated: int) -> str:
    """Return a sentence on the jobs that had ended, but not said so, when their worker was killed."""
    if not repeated:
        return ""
    return f" {repeated} had just ended at the kill, and ran again."


def _stay(console: Console, story: _Story) -> None:
    console.print(f"\nThe web page is at [bold]{story.address}[/]: all of this is in it. Ctrl-C ends the demo.")
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            story.witness.worker.check()
            time.sleep(_LOOK_EVERY)


def _introduce(console: Console, folder: Path, files: int, broken: int) -> None:
    console.rule("[bold]teep demo", align="left", style="dim")
    console.print(
        f"Two workers analyse the {files:,} files of Python {platform.python_version()}'s standard library, and\n"
        f"{broken} broken ones of our own: a job a file, a fifth of them coroutines, and some\n"
        "due in a few seconds. At half time one worker is killed with [bold]kill -9[/]."
    )
    console.print(f"Everything is in {folder}, and gone at the end.\n", style="dim", markup=False, soft_wrap=True)


def _say_what_is_next(console: Console) -> None:
    # In a virtual environment that is not active, the commands need its folder.
    prefix = "" if shutil.which("teep") else f"{os.path.relpath(Path(sys.executable).parent)}/"
    teep_, python = f"[bold]{prefix}teep[/]", f"[bold]{prefix}python[/]"
    console.print()
    console.rule("[bold]What to type next", align="left", style="dim")
    console.print(
        "Write a job of your own into [bold]jobs.py[/]:\n\n"
        "    import teep\n\n"
        "    @teep.job\n"
        '    def hello(name: str) -> None:\n        print("hello,", name)\n\n'
        f"    {python} -c \"import jobs; jobs.hello.perform_async('you')\"\n"
        f"    {teep_} worker jobs    [dim]# runs it; see --reload[/]\n"
        f"    {teep_} web            [dim]# http://127.0.0.1:{stage.PORT}[/]\n"
        f"    {teep_} top            [dim]# the same in this terminal[/]\n"
        f"    {teep_} demo --web     [dim]# this demo, and the web page of it[/]\n"
        f"    {teep_} demo --tour    [dim]# all of the data API[/]",
        soft_wrap=True,
    )
