"""The demo from its first line to its last."""

import platform
import time
from pathlib import Path

from rich.console import Console

from teep.demo import report, stage, tour, work
from teep.demo.files import python_files, share_out, standard_library, write_broken
from teep.demo.results import Results
from teep.runtime.signals import interruptible
from teep.testing.process import WorkerProcess


def run() -> None:
    """Run it, and leave nothing behind. About half a minute, most of it the work of the jobs.

    Raises:
        WorkerEnded: the worker ended.
        DemoFailed: an event that it waits for did not happen.
        ConfigurationError, EmbeddedServerError: there is no embedded server.
    """
    console = Console(highlight=False)
    started = time.monotonic()
    with interruptible(), stage.folder() as folder:
        files = python_files(standard_library())
        broken = write_broken(folder / "broken")
        _introduce(console, folder, len(files), len(broken))
        with stage.server(folder / "data") as url, stage.worker(url, folder) as worker:
            try:
                _tell(console, folder, worker, files, broken)
            finally:
                console.print("\nStopping the server, removing the folder …", style="dim")
    console.print(f"Done in {time.monotonic() - started:.0f} s. Nothing is left running.")


def _tell(console: Console, folder: Path, worker: WorkerProcess, files: list[Path], broken: list[Path]) -> None:
    started = time.monotonic()
    marker = folder / "marker"
    results = Results(folder)
    work.push(share_out([*files, *broken]), marker)
    pace = work.follow(console, len(files) + len(broken), results, worker, started)
    console.print(f"{pace.jobs:,} jobs in {pace.seconds:.1f} s: [bold]{pace.jobs / pace.seconds:.0f}[/] a second.")
    report.show_results(console, standard_library(), results.counts)
    report.show_failures(console)
    tour.give(console, [str(path) for path in files], broken[0], marker)


def _introduce(console: Console, folder: Path, files: int, broken: int) -> None:
    console.rule("[bold]teep demo", align="left", style="dim")
    console.print(
        f"A worker process analyses the {files:,} files of Python {platform.python_version()}'s standard library,\n"
        f"and {broken} broken ones of our own: a job a file, about a fifth of them coroutines,\n"
        f"and one in 25 scheduled a few seconds ahead. Everything is in this folder:\n{folder}\n"
    )
