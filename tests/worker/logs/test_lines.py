"""Log lines of many threads: each once and whole, and none waits for another's."""

import fcntl
import io
import logging
import os
import signal
import sys
import termios
import threading
import warnings
import weakref
from collections.abc import Callable

import pytest

from teep.errors import JobTimeout
from teep.worker.logs.log_handler import LineHandler
from tests.support.waiting import wait_until

_SOON = 20


class Stream(io.StringIO):
    """Calls `before` before each write."""

    def __init__(self, before: Callable[[str], None] = lambda _text: None) -> None:
        super().__init__()
        self.before = before

    def write(self, text: str) -> int:
        self.before(text)
        return super().write(text)


def log(handler: LineHandler, text: str) -> None:
    handler.handle(logging.LogRecord("x", logging.INFO, "x.py", 1, text, None, None))


def test_every_line_of_many_threads_comes_once_and_in_its_order() -> None:
    stream = Stream()
    handler = LineHandler(stream)

    def log_many(name: str) -> None:
        for number in range(2_000):
            log(handler, f"{name} {number}")

    threads = [threading.Thread(target=log_many, args=(name,)) for name in "abcdefgh"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 16_000
    for name in "abcdefgh":
        assert [line for line in lines if line.startswith(name)] == [f"{name} {n}" for n in range(2_000)]


def test_a_line_is_left_to_the_thread_that_writes() -> None:
    writing, go_on = threading.Event(), threading.Event()

    def block(text: str) -> None:
        if text == "first\n":
            writing.set()
            assert go_on.wait(_SOON)

    stream = Stream(block)
    handler = LineHandler(stream)
    first = threading.Thread(target=log, args=(handler, "first"))
    first.start()
    assert writing.wait(_SOON)
    log(handler, "second")  # returns, though the first one is still being written
    log(handler, "third")
    assert stream.getvalue() == ""
    go_on.set()
    first.join()
    assert stream.getvalue() == "first\nsecond\nthird\n"


def test_what_cannot_be_written_is_reported_and_does_not_pile_up(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(_text: str) -> None:
        raise OSError("no space left")

    stream = Stream(fail)
    handler = LineHandler(stream)
    log(handler, "lost")
    assert "no space left" in capsys.readouterr().err
    stream.before = lambda _text: None
    log(handler, "found")
    assert stream.getvalue() == "found\n"


def test_an_interruption_while_writing_costs_no_line_and_no_turn() -> None:
    def interrupt(_text: str) -> None:
        raise KeyboardInterrupt

    stream = Stream(interrupt)
    handler = LineHandler(stream)
    with pytest.raises(KeyboardInterrupt):
        log(handler, "interrupted")
    stream.before = lambda _text: None
    other = threading.Thread(target=log, args=(handler, "next"))
    other.start()
    wait_until(lambda: not other.is_alive(), _SOON, "the other thread to have its turn")
    assert stream.getvalue() == "interrupted\nnext\n"


def test_a_forked_child_writes_its_lines_whichever_thread_wrote_when_it_was_born() -> None:
    """The parent's writer waits for room in a pipe, and so holds its turn and the stream's lock."""
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream, os.fdopen(reader, "rb") as output:
        handler = LineHandler(stream)
        size = fcntl.fcntl(reader, fcntl.F_GETPIPE_SZ) + 1
        parents = threading.Thread(target=log, args=(handler, "x" * size))
        parents.start()
        wait_until(lambda: _waiting(reader) == size - 1, _SOON, "the pipe to be full")
        log(handler, "left to the writer")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads, from 3.12 on
            child = os.fork()
        if not child:
            log(handler, "the child's")
            os._exit(0)
        found: list[bytes] = []
        reading = threading.Thread(target=lambda: found.extend(output))
        reading.start()
        try:
            wait_until(lambda: os.waitpid(child, os.WNOHANG)[0], _SOON, "the child to end")
        except TimeoutError:
            os.kill(child, signal.SIGKILL)
            raise
        finally:
            parents.join(_SOON)
            stream.close()
            reading.join(_SOON)
    # The child's may come in the middle of the parent's, of which the pipe takes a part at a time.
    written = b"".join(found).replace(b"the child's\n", b"", 1)
    assert written == b"x" * size + b"\nleft to the writer\n"


def _waiting(reader: int) -> int:
    """Return how many bytes lie in a pipe."""
    answer = fcntl.ioctl(reader, termios.FIONREAD, b"\0" * 4)
    return int.from_bytes(answer, sys.byteorder)


def test_an_interruption_of_a_job_that_logs_reaches_the_job() -> None:
    def interrupt(_text: str) -> None:
        raise JobTimeout

    handler = LineHandler(Stream(interrupt))
    with pytest.raises(JobTimeout):
        log(handler, "interrupted")


def test_it_has_all_that_logging_asks_of_a_handler() -> None:
    stream = Stream()
    handler = LineHandler(stream)
    handler.acquire()
    handler.release()
    handler.lock._at_fork_reinit()
    log(handler, "first")
    logging.shutdown([weakref.ref(handler)])
    log(handler, "after logging's shutdown")
    assert stream.getvalue() == "first\nafter logging's shutdown\n"
