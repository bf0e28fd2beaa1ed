"""What `ps -o comm`, `top` and `pgrep` call this process."""

import contextlib
from pathlib import Path


def set_title(title: str) -> None:
    """Name this process, in at most 15 characters. Where there is no /proc it stays `python`."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(title, "ascii")
