"""The process-wide configuration: the one that is used if no other is given."""

import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from teep.config.config import Config, Extension
from teep.config.sources.settings import CONFIG, unknown
from teep.errors import ConfigurationError

if TYPE_CHECKING:
    from teep.config.sources.resolution import Settings


class ProcessWide:
    """A process's configuration, all that it is made of, and the extensions that join it.

    A command's flags (`overrides`) override the options that code gives; these override variables and the file
    (`fallbacks`).
    """

    def __init__(self, fallbacks: Mapping[str, Any] | None = None) -> None:
        self._lock = threading.Lock()
        self._config: Config | None = None
        self._fallbacks = fallbacks  # None: not looked for yet
        self._overrides: Mapping[str, Any] = {}
        self._origins: Mapping[str, str] = {}  # where fallbacks and overrides were found
        self._said: Mapping[str, Any] = {}  # by code
        self._extensions: list[Extension] = []

    @property
    def config(self) -> Config:
        """The configuration: if code has made none, the one that variables and file make.

        Raises:
            ConfigurationError: the variables or the file cannot be read, or do not fit.
        """
        if (known := self._config) is not None:
            return known
        options = self.fallbacks
        with self._lock:
            if self._config is None:
                made = Config(**options)
                made.note_sources(self._origins)
                return self._make(made)
            return self._config

    @property
    def fallbacks(self) -> Mapping[str, Any]:
        """The options that variables and the file give, looked for once; a command knows them already.

        Raises:
            ConfigurationError: they cannot be read, or do not fit.
        """
        if (known := self._fallbacks) is not None:
            return known
        from teep.config.sources import resolution  # noqa: PLC0415 - readers are not for every program

        settings = resolution.resolve({})
        config = settings.config(Config)
        settings.warn()
        with self._lock:
            if self._fallbacks is None:
                self._fallbacks, self._origins = settings.options, config.sources
            return self._fallbacks

    @property
    def set_by_code(self) -> frozenset[str]:
        """The options that code gave to `configure`, whether or not flags override them."""
        return frozenset(name for name, value in self._said.items() if value is not None)

    def configure(self, config: Config | None, options: Mapping[str, Any]) -> Config:
        """Make the configuration from code's options; see the function of that name."""
        for name in options:
            if name not in CONFIG:
                raise ConfigurationError(unknown(name, CONFIG, "option"))
        said = options if config is None else {**_said_by(config), **options}
        unsaid = {name: value for name, value in self.fallbacks.items() if said.get(name) is None}
        changes = {**options, **unsaid, **self._overrides}
        if config is not None and not changes:
            made = config
        else:
            made = Config(**changes) if config is None else config.copy(**changes)
            found = {**unsaid, **self._overrides}
            made.note_sources({name: self._origins[name] for name in found if name in self._origins})
        with self._lock:
            self._said = said
            return self._make(made)

    def install(self, settings: "Settings") -> Config:
        """Make the configuration from a command's flags, variables and file, until code configures something.

        Options that code has set before, as Django's settings do if `manage.py` runs the command, count as if they
        came after.

        Raises:
            ConfigurationError: an option does not fit.
        """
        config = settings.config(Config)
        with self._lock:
            before = self._config
            self._fallbacks, self._overrides, self._origins = settings.options, settings.overrides, config.sources
            if before is not None:
                config.hooks.merge(before.hooks)
            self._make(config)
        if self._said:
            self.configure(None, self._said).hooks.merge(config.hooks)
        return config

    def extend(self, extension: Extension) -> None:
        """Let an extension join the configuration: the one there is, and each that is made later."""
        with self._lock:
            if extension not in self._extensions:
                if self._config is not None:
                    extension.join(self._config)
                self._extensions.append(extension)

    @contextmanager
    def overridden(self, config: Config) -> Iterator[Config]:
        """Use another configuration until the context ends, whatever is configured meanwhile."""
        with self._lock:
            before, self._config = self._config, config
        try:
            yield config
        finally:
            with self._lock:
                self._config = before

    def renew_lock(self) -> None:
        """Give a fork a lock of its own: a thread that the fork does not have may hold the parent's."""
        self._lock = threading.Lock()

    def _make(self, config: Config) -> Config:
        """Make `config` the process-wide one, and return it. Needs the lock."""
        for extension in self._extensions:
            extension.join(config)
        self._config = config
        return config


_process = ProcessWide()


def _renew_lock() -> None:
    _process.renew_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def configure(config: Config | None = None, /, **options: Any) -> Config:
    """Make the process-wide configuration and return it.

    Call it once, before the first push. Handlers and middleware are added to the result. An option that is not given
    here, or None, comes from the `TEEP_…` variables, then from the nearest `teep.toml` (or `[tool.teep]` of a
    `pyproject.toml`) from the working folder upward. The flags of a command such as `teep worker` override all.

    Args:
        config: the configuration, such as `Config.from_file("teep.toml")`; default: a new one. Only its options that
            differ from the defaults count.
        options: those of `Config`; they override those of `config`.

    Raises:
        ConfigurationError: an option is unknown (the nearest known one is named), or does not fit; or one of the
            variables or the file does not.
    """
    return _process.configure(config, options)


def default_config() -> Config:
    """Return the process-wide configuration: if `configure` was not called, the one that variables and file make.

    Raises:
        ConfigurationError: the variables or the file cannot be read, or do not fit.
    """
    return _process.config


def install(settings: "Settings") -> Config:
    """Make the process-wide configuration of a command's process, and return it; see `ProcessWide.install`."""
    return _process.install(settings)


def extend_default(extension: Extension) -> None:
    """Let an extension join the process-wide configuration: the one there is, and each that is made later."""
    _process.extend(extension)


def fallbacks() -> Mapping[str, Any]:
    """Return the options that variables and the file give; see `ProcessWide.fallbacks`."""
    return _process.fallbacks


def set_by_code() -> frozenset[str]:
    """Return the options that code gave to `configure`, whether or not flags override them."""
    return _process.set_by_code


def after_imports(config: Config, early: Iterable[str]) -> Config:
    """Return the process-wide configuration of a command that began with `config`, and then imported code.

    Raises:
        ConfigurationError: code has changed one of the `early` options, which had to be known before it ran.
    """
    now = default_config()
    late = [name for name in early if getattr(now, name) != getattr(config, name)]
    if late:
        raise ConfigurationError(
            f"code sets {', '.join(late)}, which must be known before any code runs:"
            " put it into the configuration file, a variable or a flag"
        )
    return now


@contextmanager
def overridden(config: Config) -> Iterator[Config]:
    """Make `config` the process-wide one until the context ends, whatever is configured meanwhile."""
    with _process.overridden(config):
        yield config


@contextmanager
def isolated(fallbacks: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Begin anew until the context ends, as in a process that has configured nothing yet.

    A configuration that is made in it is forgotten at its end. Other threads see it too.

    Args:
        fallbacks: options in place of those of variables and the file; default: these are looked for again.
    """
    global _process  # noqa: PLW0603 - it is the process's
    before, _process = _process, ProcessWide(fallbacks)
    try:
        yield
    finally:
        _process = before


def _said_by(config: Config) -> dict[str, Any]:
    usual = Config()
    return {name: value for name in CONFIG if (value := getattr(config, name)) != getattr(usual, name)}
