"""`teep worker`: run jobs, in this process or in several."""

import logging
import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

from teep.cli import application
from teep.cli.command import option
from teep.cli.flags import Flags
from teep.cli.loading import loading
from teep.cli.options import set_up_logs
from teep.errors import ConfigurationError

if TYPE_CHECKING:
    from teep.config import Config
    from teep.config.sources.resolution import Settings

logger = logging.getLogger("teep")

# Options that must be known before any code runs: whether there is a supervisor, all options of a supervisor, and
# where health checks are answered meanwhile.
_FIRST = ("processes", "max_rss", "max_jobs", "health")
_SUPERVISED = (*_FIRST, "redis_url", "timeout", "heartbeat_interval", "watchdog")


@dataclass(frozen=True)
class WorkerFlags(Flags):
    """The settings of a worker, and whether it starts anew when its code changes."""

    reload: Annotated[
        bool, option("--reload", help="Start anew when a .py file of the imported code changes; for development.")
    ] = False


def worker(flags: WorkerFlags) -> None:
    """Run jobs until TERM or INT.

    Example: [bold]teep worker app.jobs -c 20 -q critical,3 -q default,1[/bold]
    """
    from teep.config.default import install

    if os.name != "posix":
        raise ConfigurationError("workers run on Linux and macOS; on Windows use WSL or a container")
    settings = flags.settings()
    config = install(settings)
    set_up_logs(settings.get("log_level", "INFO"), as_json=settings.get("json_logs", False))
    if flags.reload:
        _check_reload(config)
    _tell_of_file(settings)
    application.make_importable()
    _run(flags, config, _modules(settings), settings.get("spawn", None))


def _modules(settings: "Settings") -> list[str]:
    modules = application.modules(settings.get("modules", []))
    if not modules:
        raise ConfigurationError(
            "there are no jobs to run: name the modules that define them, as in teep worker app.jobs, or in a file,"
            " as in modules = ['app.jobs']"
        )
    return modules


def _tell_of_file(settings: "Settings") -> None:
    from teep.config.sources.sidekiq import MISSED

    settings.warn()
    if settings.file is not None:
        logger.info("configured by %s", settings.file)
    missed = [key for key in settings.ignored if key.rpartition(".")[2] in MISSED]
    if missed:
        logger.warning(
            "%s has %s, which teep does not go by; see docs/configuration.md", settings.file, ", ".join(missed)
        )
    if useless := [key for key in settings.ignored if key not in missed]:
        logger.info("%s also has %s, which teep has no use for", settings.file, ", ".join(useless))


def _check_reload(config: "Config") -> None:
    """Refuse a reload in production, or without the library that it needs."""
    if config.environment.lower() == "production":
        print("teep: --reload is for development, and this is production: leave it out", file=sys.stderr)
        sys.exit(2)
    if find_spec("watchfiles") is None:
        raise ConfigurationError("--reload needs watchfiles: pip install 'teep[reload]'")


def _run(flags: WorkerFlags, config: "Config", modules: list[str], spawn: bool | None) -> None:
    """Run one worker here, or a supervisor if the options need one. The process ends soon after it."""
    from teep.config.default import after_imports

    with loading():
        from teep.worker import Supervisor, Worker
        from teep.worker.exit import exiting

    def check() -> None:
        _check(flags.settings())

    def configured() -> "Config":
        return after_imports(config, _SUPERVISED)

    with exiting():
        if flags.reload:
            from teep.worker.supervisor.reload import Reloader

            Reloader(config, *modules, configured=configured, check=check).run()
            return
        if not Supervisor.is_needed(config):
            Worker(config, *modules, configured=lambda: after_imports(config, _FIRST)).run()
            return
        how = {} if spawn is None else {"spawn": spawn}
        Supervisor(config, *modules, configured=configured, check=check, **how).run()


def _check(settings: "Settings") -> None:
    """Raise ConfigurationError if these settings would keep a worker from starting."""
    from teep.config import Config

    settings.config(Config)
    _modules(settings)
