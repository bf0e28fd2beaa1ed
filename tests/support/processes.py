"""Processes as the machine sees them."""

import os


def lives(pid: int) -> bool:
    """Whether there is a process of that pid, which may be a zombie that nobody has reaped."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
