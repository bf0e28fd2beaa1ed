"""The supervisor's signals, as something to read."""

import signal
import socket

# Windows, where this must import and nothing more, has two of them.
_NAMES = ("SIGTERM", "SIGINT", "SIGTSTP", "SIGTTIN", "SIGUSR2", "SIGCHLD")
HANDLED = frozenset(getattr(signal, name) for name in _NAMES if hasattr(signal, name))


class SignalInbox:
    """Takes the process's signals, so that one wait is for them and for the children."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        for number in HANDLED:
            signal.signal(number, lambda _number, _frame: None)  # the number itself goes to the writer
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        unblock()

    def fileno(self) -> int:
        return self._reader.fileno()

    def read(self) -> list[str]:
        """Return the names of those that came, such as TERM."""
        try:
            numbers = self._reader.recv(4096)
        except BlockingIOError:
            return []
        return [signal.Signals(number).name.removeprefix("SIG") for number in numbers]

    def close(self) -> None:
        """Let each signal do again what it does by default."""
        signal.set_wakeup_fd(-1)
        for number in HANDLED:
            signal.signal(number, signal.SIG_DFL)
        self._reader.close()
        self._writer.close()


def block() -> None:
    """Keep signals waiting, across a fork or a new interpreter, until somebody is there for them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)


def unblock() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
