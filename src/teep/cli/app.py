"""The `teep` command: its subcommands, and how errors come out."""

import sys

import typer

from teep.cli import worker
from teep.errors import TeepError

app = typer.Typer(
    help="Background jobs on Redis or Valkey, in Sidekiq's own wire format.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
app.command("worker")(worker.worker)


@app.callback()
def _teep() -> None:
    """Background jobs on Redis or Valkey, in Sidekiq's own wire format."""


def main() -> None:
    """Run the command line; teep's own errors come out as one sentence."""
    try:
        app()
    except TeepError as error:
        print(f"teep: {error}", file=sys.stderr)
        sys.exit(1)
