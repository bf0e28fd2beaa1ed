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
from teep.cli.commands.index import SECTIONS
from teep.cli.endings import code_of
from teep.cli.group import Group
from teep.errors import ModuleImportError, TeepError
from teep.telling import printable
from teep.version import __version__

app = Group("teep", SECTIONS, "Background jobs on Redis or Valkey, in Sidekiq's own wire format.")
app.epilog = "Start here: [bold]teep demo[/bold]"
click.version_option(__version__, message="teep %(version)s", help="Show teep's version and exit.")(app)


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
