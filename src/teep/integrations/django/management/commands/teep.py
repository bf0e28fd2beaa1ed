"""`manage.py teep …`: the `teep` command inside the Django project, with the settings' `TEEP`."""

import runpy
import sys
from typing import Any

from django.core.management.base import BaseCommand

# Options of manage.py's own, which it has obeyed already.
_OF_DJANGO = ("--settings", "--pythonpath")


class Command(BaseCommand):  # type: ignore[misc]  # to mypy Django has no types
    """Runs `teep` with the arguments that follow; Django does not read them."""

    help = "Runs teep: manage.py teep worker, stats, queues … See manage.py teep --help."

    def run_from_argv(self, argv: list[str]) -> None:
        """Run it from the command line."""
        self._run(argv[0], _without_djangos(argv[2:]))

    def add_arguments(self, parser: Any) -> None:
        """Take all arguments that `call_command` gives."""
        parser.add_argument("arguments", nargs="*")

    def handle(self, *_: Any, arguments: list[str], **__: Any) -> None:
        """Run it from code: `call_command("teep", "stats")`."""
        self._run(sys.argv[0], arguments)

    def _run(self, program: str, arguments: list[str]) -> None:
        sys.argv = [f"{program} teep", *arguments]
        # As `python -m teep`, in this process: an integration must not import the commands in the layer above it.
        runpy.run_module("teep", run_name="__main__")


def _without_djangos(arguments: list[str]) -> list[str]:
    rest, given = [], iter(arguments)
    for argument in given:
        if argument in _OF_DJANGO:
            next(given, None)
        elif not argument.startswith(tuple(f"{option}=" for option in _OF_DJANGO)):
            rest.append(argument)
    return rest
