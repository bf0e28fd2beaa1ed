"""The `teep` command: its subcommands, and how errors are shown.

A command imports its parts when it runs, so that `--help` and completion stay quick.
"""

import atexit
import gc
import os
import sys
import traceback
from collections.abc import Callable

import click

from teep.cli import streams
from teep.cli.command import Command, Group, command
from teep.cli.commands import bench, completion, config, demo, embedded, web, worker
from teep.cli.commands.acting import cancel, pausing
from teep.cli.commands.acting import jobs as acting
from teep.cli.commands.looking import (
    batches,
    errors,
    job,
    jobs,
    limits,
    periodic,
    processes,
    queues,
    result,
    stats,
    top,
)
from teep.cli.commands.running import console, push, run
from teep.cli.endings import code_of
from teep.cli.selecting.flags import Acting
from teep.errors import ModuleImportError, TeepError
from teep.telling import printable
from teep.version import __version__


@click.group(cls=Group, epilog="Start here: [bold]teep demo[/bold]")
@click.version_option(__version__, message="teep %(version)s", help="Show teep's version and exit.")
def app() -> None:
    """Background jobs on Redis or Valkey, in Sidekiq's own wire format."""


@click.group("embedded", cls=Group)
def _embedded() -> None:
    """The embedded server of this folder's project."""


def _add(section: str, *commands: Command) -> None:
    for each in commands:
        each.section = section
        app.add_command(each)


_add(
    "Look",
    command("top", top.TopFlags, top.top),
    command("stats", stats.StatsFlags, stats.stats),
    command("queues", queues.QueuesFlags, queues.queues),
    command("errors", errors.ErrorsFlags, errors.errors),
    command("jobs", jobs.JobsFlags, jobs.jobs),
    command("job", job.JobFlags, job.job),
    command("result", result.ResultFlags, result.result),
    command("processes", processes.ProcessesFlags, processes.processes),
    command("periodic", periodic.PeriodicFlags, periodic.periodic),
    command("batches", batches.BatchesFlags, batches.batches),
    command("limits", limits.LimitsFlags, limits.limits),
)
_add(
    "Act",
    command("retry", Acting, acting.retry),
    command("kill", Acting, acting.kill),
    command("delete", Acting, acting.delete),
    command("move", acting.MoveFlags, acting.move),
    command("pause", pausing.PauseFlags, pausing.pause),
    command("unpause", pausing.PauseFlags, pausing.unpause),
    command("cancel", cancel.CancelFlags, cancel.cancel),
)
_add(
    "Run",
    command("worker", worker.WorkerFlags, worker.worker),
    command("web", web.WebFlags, web.web),
    command("push", push.PushFlags, push.push),
    command("run", run.RunFlags, run.run),
    command("console", console.ConsoleFlags, console.console),
)
_add(
    "Set up, and try",
    command("demo", demo.DemoFlags, demo.demo),
    command("bench", bench.BenchFlags, bench.bench),
    command("config", config.ConfigFlags, config.config),
    _embedded,
    command("completion", completion.CompletionFlags, completion.completion),
)
_embedded.add_command(command("status", embedded.StatusFlags, embedded.status))
_embedded.add_command(command("reset", embedded.ResetFlags, embedded.reset))


def main() -> None:
    """Run the command line; teep's own errors come out as one sentence."""
    atexit.register(gc.freeze)  # the interpreter's end would look for garbage everywhere: see teep.cli.loading
    closed = streams.open_closed()
    if is_worker := sys.argv[1:2] == ["worker"]:
        if "stderr" in closed:
            print("teep: standard error is closed, so this worker logs nothing", flush=True)
        if os.getpid() == 1:
            from teep.cli.init import become_init

            become_init()
    try:
        run = _read()
        if is_worker:
            run()  # it has ends of its own
        else:
            _run_briefly(run)
    except ModuleImportError as error:
        print(f"teep: {printable(str(error))}", file=sys.stderr)
        traceback.print_exception(_from_module_on(error.__cause__), file=sys.stderr)
        sys.exit(_code_of(error, is_worker=is_worker))
    except TeepError as error:
        print(f"teep: {printable(str(error))}", file=sys.stderr)
        sys.exit(_code_of(error, is_worker=is_worker))


def _code_of(error: TeepError, *, is_worker: bool) -> int:
    """Return the exit code: a worker's own is 1, whatever has kept it from starting."""
    return 1 if is_worker else code_of(error)


def _read() -> Callable[[], int | None]:
    """Return the run that the command line asks for. If it asks for help, or is wrong, the process ends instead."""
    try:
        asked = app.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    if isinstance(asked, int):
        sys.exit(asked)
    run: Callable[[], int | None] = asked
    return run


def _run_briefly(run: Callable[[], int | None]) -> None:
    """Run a command that Ctrl-C, or a closed pipe, may end early, and end with its exit code."""
    try:
        code = run()
    except KeyboardInterrupt:
        sys.exit(130)
    except click.Abort:
        sys.exit("Aborted.")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for output that is flushed at the exit
        sys.exit(1)
    if code:
        sys.exit(code)


def _from_module_on(error: BaseException | None) -> BaseException | None:
    """Return an error of a module's import without the frames of those that imported it."""
    trace = None if error is None else error.__traceback__
    while trace is not None and trace.tb_frame.f_globals.get("__name__", "").partition(".")[0] in (
        "teep",
        "importlib",
    ):
        trace = trace.tb_next
    return None if error is None else error.with_traceback(trace)
