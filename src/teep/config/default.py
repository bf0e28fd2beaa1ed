"""The process-wide configuration: what is used where no other is given."""

import difflib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

from teep.config.value import Config
from teep.errors import ConfigurationError

_lock = threading.Lock()
_default: Config | None = None


def configure(**options: Any) -> Config:
    """Make the process-wide configuration from `options` (those of `Config`) and return it.

    Call it once, before the first push. Handlers and middleware go onto what it returns.

    Raises:
        ConfigurationError: an option is unknown (the nearest known one is named), or does not fit.
    """
    global _default  # noqa: PLW0603 - the one process-wide value, as api.md promises it
    known = [option.name for option in fields(Config) if option.init]
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            raise ConfigurationError(f"there is no option {name!r}; {hint}")
    config = Config(**options)
    with _lock:
        _default = config
    return config


def default_config() -> Config:
    """Return the process-wide configuration, made of defaults where `configure` was not called."""
    global _default  # noqa: PLW0603 - as above
    with _lock:
        if _default is None:
            _default = Config()
        return _default


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
