"""The name of this process in `ps -o comm`, `top` and `pgrep`."""

import contextlib
from pathlib import Path


def set_title(title: str) -> None:
    """Name this process, in at most 15 characters. On a system without /proc it stays `python`."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(title, "ascii")
