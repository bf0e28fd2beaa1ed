"""The supervisor's signals, as something to read."""

import signal
import socket

# Windows, where this module must only import, has two of them.
_NAMES = ("SIGTERM", "SIGINT", "SIGTSTP", "SIGTTIN", "SIGUSR2", "SIGCHLD")
HANDLED = frozenset(getattr(signal, name) for name in _NAMES if hasattr(signal, name))


class SignalInbox:
    """Receives the process's signals through a socket, so that one wait covers signals and children."""

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
        """Return the names of the signals that came, such as TERM."""
        try:
            numbers = self._reader.recv(4096)
        except BlockingIOError:
            return []
        return [signal.Signals(number).name.removeprefix("SIG") for number in numbers]

    def close(self) -> None:
        """Give each signal its default action again."""
        signal.set_wakeup_fd(-1)
        for number in HANDLED:
            signal.signal(number, signal.SIG_DFL)
        self._reader.close()
        self._writer.close()


def block() -> None:
    """Keep signals waiting, across a fork or a new interpreter, until they are unblocked."""
    signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)


def unblock() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
