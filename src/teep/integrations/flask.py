"""teep in a Flask app: jobs run inside of its application context, and `flask teep` has teep's commands."""

import runpy
import sys
from collections.abc import Callable
from typing import Any

import click
from flask import Flask

from teep.config import Config, configure, extend_default
from teep.errors import ConfigurationError
from teep.integrations.loops import is_on_a_loop
from teep.job.context import current_job

_PREFIX = "TEEP_"


class Teep:
    """The extension: `Teep(app)`, or `init_app(app)` where an application factory makes the app.

    Settings whose names begin with `TEEP_` are options of `teep.Config`, such as `TEEP_REDIS_URL`. A job that a
    worker runs has the app as `current_app`, so its extensions and their sessions work as in a request. Jobs that run
    inline have the context of their caller.
    """

    def __init__(self, app: Flask | None = None) -> None:
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Use the app's settings, and have jobs run in its context.

        Raises:
            ConfigurationError: a setting does not fit, or another app has the jobs of this process.
        """
        options = app.config.get_namespace(_PREFIX)
        if options:
            configure(**options)
        extend_default(_Contexts(app))
        app.extensions["teep"] = self
        app.cli.add_command(_teep)


class _Contexts:
    """Runs jobs in an app's context; the outermost middleware."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Contexts) and other.app is self.app

    def __hash__(self) -> int:
        return hash(id(self.app))

    def join(self, config: Config) -> None:
        """Add it to a configuration.

        Raises:
            ConfigurationError: another app is there.
        """
        for known in config.server_middleware:
            if isinstance(known, _Contexts) and known.app is not self.app:
                raise ConfigurationError(
                    f"jobs run in the context of the app {known.app.name!r} already; a process has one app for its"
                    " jobs, so make a second one without Teep"
                )
        config.server_middleware.prepend(self)

    def __call__(self, _job: dict[str, Any], call_next: Callable[[], Any]) -> Any:
        job = current_job()
        if job is None or job.run is None:
            return call_next()
        if is_on_a_loop():
            return self._around_async(call_next)
        with self.app.app_context():
            return call_next()

    async def _around_async(self, call_next: Callable[[], Any]) -> Any:
        with self.app.app_context():
            return await call_next()


@click.command(
    "teep",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    short_help="Teep's commands: worker, stats, queues, retry ...",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def _teep(arguments: tuple[str, ...]) -> None:
    sys.argv = ["flask teep", *arguments]
    # As `python -m teep`, in this process: an integration must not import the commands in the layer above it.
    runpy.run_module("teep", run_name="__main__")
