"""The `teep` command: its subcommands, and how errors come out.

What a command needs is imported when it runs, so that `--help` and completion stay quick.
"""

import os
import sys
import traceback
from typing import Annotated

import typer

from teep.cli import streams
from teep.cli.commands import bench, config, demo, embedded, look, worker
from teep.cli.flags import Flags
from teep.cli.options import Looking, with_flags
from teep.cli.reader import read
from teep.errors import ModuleImportError, TeepError
from teep.version import __version__

app = typer.Typer(
    help="Background jobs on Redis or Valkey, in Sidekiq's own wire format.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("worker")(with_flags(Flags, worker.worker))
app.command("config")(with_flags(config.ConfigFlags, config.config))
app.command("stats")(with_flags(Looking, look.stats))
app.command("queues")(with_flags(Looking, look.queues))
app.add_typer(embedded.app, name="embedded")
app.command("bench")(with_flags(bench.BenchFlags, bench.bench))


def _show_version(asked: bool) -> None:
    if asked:
        print(f"teep {__version__}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show teep's version and exit.")
]


@app.callback(epilog="Start here: [bold]teep demo[/bold]")
def _teep(version: Version = False) -> None:
    """Background jobs on Redis or Valkey, in Sidekiq's own wire format."""


def main() -> None:
    """Run the command line; teep's own errors come out as one sentence."""
    closed = streams.open_closed()
    if sys.argv[1:2] == ["worker"]:
        if "stderr" in closed:
            print("teep: standard error is closed, so this worker logs nothing", flush=True)
        if os.getpid() == 1:
            from teep.cli.init import become_init

            become_init()
    try:
        # A worker lives long: see teep.cli.reader.
        flags = read(Flags, sys.argv[2:]) if sys.argv[1:2] == ["worker"] else None
        if flags is None:
            app()
        else:
            worker.worker(flags)
    except ModuleImportError as error:
        print(f"teep: {error}", file=sys.stderr)
        traceback.print_exception(_from_module_on(error.__cause__), file=sys.stderr)
        sys.exit(1)
    except TeepError as error:
        print(f"teep: {error}", file=sys.stderr)
        sys.exit(1)


def _from_module_on(error: BaseException | None) -> BaseException | None:
    """Return an error of a module's import without the frames of those that imported it."""
    trace = None if error is None else error.__traceback__
    while trace is not None and trace.tb_frame.f_globals.get("__name__", "").partition(".")[0] in (
        "teep",
        "importlib",
    ):
        trace = trace.tb_next
    return None if error is None else error.with_traceback(trace)
