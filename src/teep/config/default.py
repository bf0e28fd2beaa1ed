"""The process-wide configuration: what is used where no other is given."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from teep.config.settings import CONFIG, unknown
from teep.config.value import Config
from teep.errors import ConfigurationError

_lock = threading.Lock()
_default: Config | None = None
# In a command's process: what its variables and file say, and its flags, between which code's options go.
_beneath: Mapping[str, Any] = {}
_above: Mapping[str, Any] = {}
_by_code: frozenset[str] = frozenset()


def configure(config: Config | None = None, /, **options: Any) -> Config:
    """Make the process-wide configuration and return it.

    Call it once, before the first push. Handlers and middleware go onto what it returns. In a process that a command
    such as `teep worker` runs, the command's flags hold over what is said here, and its variables and file where
    nothing is said, or None.

    Args:
        config: the configuration, such as `Config.from_file("teep.toml")`; default: a new one. It says what differs
            from the defaults.
        options: those of `Config`, over those of `config`.

    Raises:
        ConfigurationError: an option is unknown (the nearest known one is named), or does not fit.
    """
    global _default, _by_code
    for name in options:
        if name not in CONFIG:
            raise ConfigurationError(unknown(name, CONFIG, "option"))
    said = options if config is None else _said_by(config) | options
    unsaid = {name: value for name, value in _beneath.items() if said.get(name) is None}
    changes = {**options, **unsaid, **_above}
    if config is not None and not changes:
        made = config
    else:
        made = Config(**changes) if config is None else config.copy(**changes)
    with _lock:
        _default, _by_code = made, frozenset(name for name, value in said.items() if value is not None)
    return made


def _said_by(config: Config) -> dict[str, Any]:
    usual = Config()
    return {name: value for name in CONFIG if (value := getattr(config, name)) != getattr(usual, name)}


def default_config() -> Config:
    """Return the process-wide configuration, made of defaults where `configure` was not called."""
    global _default  # noqa: PLW0603 - as above
    with _lock:
        if _default is None:
            _default = Config()
        return _default


def settle(config: Config, beneath: Mapping[str, Any], above: Mapping[str, Any]) -> None:
    """Make `config` the process-wide one of a command's process, until code configures something.

    `beneath` are options for which code's are taken instead, `above` those that hold whatever code says.
    """
    global _default, _beneath, _above
    with _lock:
        _default, _beneath, _above = config, beneath, above


def set_by_code() -> frozenset[str]:
    """Return the options that code gave to `configure`, whether or not flags hold over them."""
    return _by_code


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
