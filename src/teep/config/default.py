"""The process-wide configuration: what is used where no other is given."""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from teep.config.sources.settings import CONFIG, unknown
from teep.config.config import Config, Extension
from teep.errors import ConfigurationError

_lock = threading.Lock()
_default: Config | None = None
# What variables and file say (None: not looked for yet), and in a command's process its flags: code's options go in
# between. And where each of them was found.
_beneath: Mapping[str, Any] | None = None
_above: Mapping[str, Any] = {}
_origins: Mapping[str, str] = {}
# What code has said, and what joins each process-wide configuration that is made.
_said: Mapping[str, Any] = {}
_extensions: list[Extension] = []


def _renew_lock() -> None:
    """Have a lock of its own in a fork: a thread that is not there may hold the parent's."""
    global _lock  # noqa: PLW0603 - of this module, as the configuration is
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def configure(config: Config | None = None, /, **options: Any) -> Config:
    """Make the process-wide configuration and return it.

    Call it once, before the first push. Handlers and middleware go onto what it returns. Where nothing is said here,
    or None, the `TEEP_…` variables hold, then the nearest `teep.toml` (or `[tool.teep]` of a `pyproject.toml`) from
    the working folder upward. In a process that a command such as `teep worker` runs, its flags hold over all.

    Args:
        config: the configuration, such as `Config.from_file("teep.toml")`; default: a new one. It says what differs
            from the defaults.
        options: those of `Config`, over those of `config`.

    Raises:
        ConfigurationError: an option is unknown (the nearest known one is named), or does not fit; or what the
            variables and the file say does not.
    """
    global _said  # noqa: PLW0603 - it is the process's
    for name in options:
        if name not in CONFIG:
            raise ConfigurationError(unknown(name, CONFIG, "option"))
    said = options if config is None else _said_by(config) | options
    unsaid = {name: value for name, value in beneath().items() if said.get(name) is None}
    changes = {**options, **unsaid, **_above}
    if config is not None and not changes:
        made = config
    else:
        made = Config(**changes) if config is None else config.copy(**changes)
        made.note_sources({name: _origins[name] for name in {**unsaid, **_above} if name in _origins})
    with _lock:
        _said = said
        _install(made)
    return made


def extend_default(extension: Extension) -> None:
    """Let an extension join the process-wide configuration: the one there is, and each that is made later."""
    with _lock:
        if extension not in _extensions:
            _extensions.append(extension)
            if _default is not None:
                extension.join(_default)


def _install(config: Config) -> Config:
    """Make `config` the process-wide one, and return it. Needs `_lock`."""
    global _default  # noqa: PLW0603 - it is the process's
    for extension in _extensions:
        extension.join(config)
    _default = config
    return config


def _said_by(config: Config) -> dict[str, Any]:
    usual = Config()
    return {name: value for name in CONFIG if (value := getattr(config, name)) != getattr(usual, name)}


def default_config() -> Config:
    """Return the process-wide configuration: where `configure` was not called, what variables and file make.

    Raises:
        ConfigurationError: the variables or the file cannot be read, or do not fit.
    """
    if (known := _default) is not None:
        return known
    options = beneath()
    with _lock:
        if _default is None:
            made = Config(**options)
            made.note_sources(_origins)
            return _install(made)
        return _default


def beneath() -> Mapping[str, Any]:
    """Return the options that variables and file say, looked for once a process; a command knows them already.

    Raises:
        ConfigurationError: they cannot be read, or do not fit.
    """
    global _beneath, _origins
    if (known := _beneath) is not None:
        return known
    from teep.config.sources import resolution  # noqa: PLC0415 - it makes a Config; and readers are not for every program

    settings = resolution.resolve({})
    config = settings.config()
    settings.warn()
    with _lock:
        if _beneath is None:
            _beneath, _origins = resolution.options(settings.found), config.sources
        return _beneath


def settle(config: Config, beneath: Mapping[str, Any], above: Mapping[str, Any]) -> None:
    """Make `config` the process-wide one of a command's process, until code configures something.

    `beneath` are options for which code's are taken instead, `above` those that hold whatever code says. What code
    has configured before, as Django's settings have if `manage.py` runs the command, holds as if it came after.
    """
    global _beneath, _above, _origins
    with _lock:
        _beneath, _above, _origins, before = beneath, above, config.sources, _default
        if before is not None:
            config.adopt(before)
        _install(config)
    if _said:
        configure(**_said).adopt(config)


def set_by_code() -> frozenset[str]:
    """Return the options that code gave to `configure`, whether or not flags hold over them."""
    return frozenset(name for name, value in _said.items() if value is not None)


@contextmanager
def overridden(config: Config) -> Iterator[Config]:
    """Make `config` the process-wide one until the context ends, whatever is configured meanwhile."""
    global _default  # noqa: PLW0603 - as above
    with _lock:
        before, _default = _default, config
    try:
        yield config
    finally:
        with _lock:
            _default = before
