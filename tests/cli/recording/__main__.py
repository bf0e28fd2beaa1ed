"""Run the demo in a terminal, and draw what it shows: `python -m tests.cli.recording`."""

import codecs
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cli.recording.drawing import Frame, draw
from tests.cli.recording.terminal import Line, Terminal
from tests.cli.running import environment

PICTURE = Path(__file__).parents[3] / "docs" / "pictures" / "demo.svg"
COLUMNS, LINES = 80, 24
LARGEST = 300_000
"""Bytes of the picture."""

_TITLE = "teep demo: two workers, a kill -9 at half time, and every job accounted for"
_PROMPT = "$ teep demo\r\n"
# Seconds: between two frames at least, for which nothing happens at most, and of the last frame.
_EVERY, _IDLE, _LAST = 0.5, 0.8, 6.0
# What follows within so many seconds was printed in one go, up to so many bytes.
_TOGETHER, _BURST = 0.02, 65_536


def main() -> None:
    """Record the demo anew."""
    frames = record([sys.executable, "-m", "teep", "demo"])
    PICTURE.write_text(draw(frames, COLUMNS, _TITLE), "utf-8")
    seconds, size = sum(frame.seconds for frame in frames), PICTURE.stat().st_size
    print(f"{PICTURE.name}: {len(frames)} frames, {seconds:.0f} s, {size // 1000} kB")
    if size > LARGEST:
        sys.exit(f"more than {LARGEST // 1000} kB: take fewer frames")


def record(command: list[str]) -> list[Frame]:
    """Run a command in a terminal, and return what was on its screen; a time in which nothing happens is shortened.

    Raises:
        subprocess.CalledProcessError: the command failed.
    """
    with _terminal(command) as reader:
        return frames_of(_bursts(reader))


def frames_of(bursts: Iterable[str], clock: Callable[[], float] = time.monotonic) -> list[Frame]:
    """Return what is on the screen by and by, as each burst is printed at the time of the clock (seconds)."""
    terminal = Terminal(COLUMNS, LINES)
    terminal.feed(_PROMPT)
    shown = [(clock(), terminal.screen())]
    for text in bursts:
        terminal.feed(text)
        now, screen = clock(), terminal.screen()
        if screen == shown[-1][1]:
            continue
        if now - shown[-1][0] < _EVERY and len(shown) > 1:
            shown[-1] = (shown[-1][0], screen)
        else:
            shown.append((now, screen))
    return _timed(shown)


def _timed(shown: list[tuple[float, tuple[Line, ...]]]) -> list[Frame]:
    ends = [at for at, _ in shown[1:]]
    frames = [Frame(screen, min(end - at, _IDLE)) for (at, screen), end in zip(shown[:-1], ends, strict=True)]
    return [*frames, Frame(shown[-1][1], _LAST)]


@contextmanager
def _terminal(command: list[str]) -> Iterator[int]:
    """Run a command with a terminal as its output, and give the end that reads it."""
    reader, writer = pty.openpty()
    own = environment(TERM="xterm", COLUMNS=str(COLUMNS), LINES=str(LINES), PATH=_path())
    with subprocess.Popen(command, stdin=writer, stdout=writer, stderr=writer, env=own) as process:
        os.close(writer)
        try:
            yield reader
        finally:
            os.close(reader)
            code = process.wait()
    if code:
        raise subprocess.CalledProcessError(code, command)


def _path() -> str:
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def _bursts(reader: int) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    while burst := _burst(reader):
        yield decoder.decode(burst)


def _burst(reader: int) -> bytes:
    """Return what is printed in one go; nothing: the program has ended."""
    printed, patience = b"", None
    while len(printed) < _BURST and select.select([reader], [], [], patience)[0]:
        try:
            some = os.read(reader, _BURST)
        except OSError:  # how Linux says that the program has ended
            return printed
        if not some:
            return printed
        printed, patience = printed + some, _TOGETHER
    return printed


if __name__ == "__main__":
    main()
