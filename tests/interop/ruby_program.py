"""A Ruby program as a child process: its lines in and out, its log, its end."""

import atexit
import os
import select
import signal
import tempfile

from tests.interop import ruby_forks
from tests.interop.sidekiqs import Sidekiq

_ANSWER_SECONDS = 30.0
_END_SECONDS = 30.0


class RubyProgram:
    """A running program of a Sidekiq's Ruby. What it prints on standard error is its log.

    `arguments` begin with the program's name, and it finds its Redis at `url`. With `answers`, standard input and
    output are for `write_line()` and `read_line()`; without, standard output goes to the log.
    """

    def __init__(self, sidekiq: Sidekiq, *arguments: str, url: str, answers: bool = False) -> None:
        self._log_file = tempfile.TemporaryFile()  # noqa: SIM115 - end() closes it
        self._log = ""
        self._owner = os.getpid()
        self._unread = b""
        self._input = self._output = -1
        log = self._log_file.fileno()
        if answers:
            stdin, self._input = os.pipe()
            self._output, stdout = os.pipe()
        else:
            stdin, stdout = os.open(os.devnull, os.O_RDONLY), os.dup(log)
        try:
            self._process = ruby_forks.start(sidekiq, arguments, url, (stdin, stdout, log))
        finally:
            os.close(stdin)
            os.close(stdout)
        atexit.register(self.end, signal.SIGKILL)

    @property
    def pid(self) -> int:
        """Its process id, also after its end."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def log(self) -> str:
        """What it has printed so far (the first megabyte), also after its end."""
        if not self._log_file.closed:
            # The child writes at the file's own position: read without moving it.
            self._log = os.pread(self._log_file.fileno(), 1 << 20, 0).decode(errors="replace")
        return self._log

    def check(self) -> None:
        """Raise RuntimeError with the log where the program has ended."""
        if self._process.poll() is not None:
            raise RuntimeError(f"Ruby has ended with {self._process.returncode}; its log:\n{self.log}")

    def write_line(self, line: str) -> None:
        """Send one line to standard input. Raises RuntimeError where the program has ended."""
        self.check()
        rest = memoryview(line.encode() + b"\n")
        while rest:
            rest = rest[os.write(self._input, rest) :]

    def read_line(self) -> bytes:
        """The next line from standard output. Raises RuntimeError when the program ends, TimeoutError after 30 s."""
        while b"\n" not in self._unread:
            if not select.select([self._output], [], [], _ANSWER_SECONDS)[0]:
                raise TimeoutError(f"Ruby gave no answer for {_ANSWER_SECONDS} s; its log:\n{self.log}")
            chunk = os.read(self._output, 1 << 16)
            if not chunk:
                self._process.wait(_END_SECONDS)
                self.check()
            self._unread += chunk
        line, self._unread = self._unread.split(b"\n", 1)
        return line

    def end(self, how: signal.Signals) -> None:
        """Send a signal and wait for the end. Raises subprocess.TimeoutExpired after 30 s.

        Harmless after the end, and in a forked child, to which the program does not belong.
        """
        if os.getpid() != self._owner:
            return
        atexit.unregister(self.end)
        self._process.send_signal(how)
        try:
            self._process.wait(_END_SECONDS)
        finally:
            self._process.kill()
            self._process.wait()
            self._log = self.log
            self._log_file.close()
            for file in {self._input, self._output} - {-1}:
                os.close(file)
            self._input = self._output = -1
