"""The modules that define jobs: importing them, and knowing which jobs and hooks each has brought.

A module that fails while it is imported is told apart from a missing one: its own traceback follows the message.
"""

import importlib
from collections.abc import Callable, Sequence

from teep.config import Config, default_config
from teep.errors import ConfigurationError, ModuleImportError
from teep.job.definition import Definition, registered

# The jobs that the import of a module has registered, by the module's name. Jobs that an earlier import registered
# are not among them.
_brought: dict[str, frozenset[str]] = {}


def load_all(modules: Sequence[str]) -> None:
    """Import the modules that define jobs.

    Raises:
        ConfigurationError: as `load` does, or none of them defines a job.
    """
    for module in modules:
        load(module)
    if modules and not registered():
        raise ConfigurationError(
            f"no job is defined in {', '.join(modules)}; name the modules whose functions have @teep.job"
        )


def load(module: str) -> None:
    """Import a module that defines jobs.

    Raises:
        ConfigurationError: no module has that name.
        ModuleImportError: the module raised while it was imported; its cause is that error.
    """
    _check_name(module)
    before = _names()
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise ModuleImportError(module, error) from error
        raise ConfigurationError(
            f"there is no module {module!r}; name it as Python imports it, from the folder it lies in"
        ) from error
    except ModuleImportError:  # of a module that this one loads
        raise
    except Exception as error:
        raise ModuleImportError(module, error) from error
    _brought.setdefault(module, frozenset(_names() - before))


def with_hooks_of(modules: Sequence[str], config: Config, configured: Callable[[], Config] | None) -> Config:
    """Return a worker's configuration once these modules are imported; the arguments are as for `Worker`.

    The modules are the application. Its hooks are on the process-wide configuration, which may be another than this
    one, so they are added here.
    """
    if configured is not None:
        return configured()
    if modules:
        config.hooks.merge(default_config().hooks)
    return config


def jobs_of(modules: Sequence[str]) -> list[Definition]:
    """Return the jobs that these modules have defined or imported, by name; every job if there are none."""
    jobs = registered()
    return [job for job in jobs if any(_is_of(module, job) for module in modules)] or jobs


def without_jobs(modules: Sequence[str]) -> list[str]:
    """Return the modules that have neither defined a job nor imported one."""
    return [module for module in modules if not any(_is_of(module, job) for job in registered())]


def _names() -> set[str]:
    return {job.name for job in registered()}


def _is_of(module: str, job: Definition) -> bool:
    return job.name in _brought.get(module, ()) or f"{job.module}.".startswith(f"{module}.")


def _check_name(module: str) -> None:
    """Refuse a string that is no module's name; the error suggests the right one.

    Raises:
        ConfigurationError: it is a path, or empty, or relative.
    """
    if module.endswith(".py") or "/" in module or "\\" in module or not all(module.split(".")):
        meant = ".".join(filter(None, module.removesuffix(".py").replace("\\", "/").replace("/", ".").split(".")))
        raise ConfigurationError(
            f"there is no module {module!r}; name it as Python imports it, from the folder it lies in,"
            f" such as {meant or 'app.jobs'}"
        )
