"""The command line: `teep …`."""

from teep.cli.app import main

__all__ = ["main"]
