"""The modules that define jobs: importing them, and knowing which jobs and hooks each has brought.

A module that fails while it is imported is told apart from one that there is not: its own traceback follows the
sentence.
"""

import importlib
from collections.abc import Callable, Sequence

from teep.config import Config, default_config
from teep.errors import ConfigurationError, ModuleImportError
from teep.job.definition import Definition, registered

# The jobs that the import of a module has registered, by the module's name: what another had imported before is not
# among them.
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
    """Return what a worker goes by once these modules are imported; the arguments are as for `Worker`.

    The modules are the application, and what it sets up goes onto the process-wide configuration, which may be
    another than this one.
    """
    if configured is not None:
        return configured()
    if modules:
        config.hooks.merge(default_config().hooks)
    return config


def jobs_of(modules: Sequence[str]) -> list[Definition]:
    """Return the jobs that these modules have defined or brought along, by name; of none, every job."""
    jobs = registered()
    return [job for job in jobs if any(_is_of(module, job) for module in modules)] or jobs


def without_jobs(modules: Sequence[str]) -> list[str]:
    """Return those of the modules that have neither defined a job nor brought one along."""
    return [module for module in modules if not any(_is_of(module, job) for job in registered())]


def _names() -> set[str]:
    return {job.name for job in registered()}


def _is_of(module: str, job: Definition) -> bool:
    return job.name in _brought.get(module, ()) or f"{job.module}.".startswith(f"{module}.")


def _check_name(module: str) -> None:
    """Refuse what is no name of a module, with the one that was meant.

    Raises:
        ConfigurationError: it is a path, or empty, or relative.
    """
    if module.endswith(".py") or "/" in module or "\\" in module or not all(module.split(".")):
        meant = ".".join(filter(None, module.removesuffix(".py").replace("\\", "/").replace("/", ".").split(".")))
        raise ConfigurationError(
            f"there is no module {module!r}; name it as Python imports it, from the folder it lies in,"
            f" such as {meant or 'app.jobs'}"
        )
