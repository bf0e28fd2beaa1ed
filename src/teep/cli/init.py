"""The duties of a container's first process, if that is `teep worker` itself.

Linux gives it the processes whose parents have ended, such as a job's background process, and nobody else waits for
those. A worker cannot: it would take the ends of its own children from the code that waits for them. So the first
process only does this, and the worker is its child.
"""

import os
import signal
from contextlib import suppress
from types import FrameType
from typing import NoReturn

_PASSED_ON = (
    signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTIN, signal.SIGCONT,
    signal.SIGUSR1, signal.SIGUSR2,
)  # fmt: skip


def become_init() -> None:
    """Fork. The parent passes signals on, waits for every process, and exits as the child does; the child returns."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED_ON)
    child = os.fork()
    if child:
        _look_after(child)
    _take_terminal()
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _look_after(child: int) -> NoReturn:
    def pass_on(number: int, _frame: FrameType | None) -> None:
        os.kill(child, number)  # it is there, as a zombie at least, until this process has waited for it

    for number in _PASSED_ON:
        signal.signal(number, pass_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _PASSED_ON)
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def _take_terminal() -> None:
    """Have a terminal send its signals only to the worker, which would get each of them twice otherwise."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # the signal for a process that takes the terminal from another
    with suppress(OSError):  # there is none
        os.tcsetpgrp(0, os.getpgrp())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
