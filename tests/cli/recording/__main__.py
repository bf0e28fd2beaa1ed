"""Run the demo in a terminal, and draw what it shows: `python -m tests.cli.recording`."""

import codecs
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
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
    terminal = Terminal(COLUMNS, LINES)
    terminal.feed(_PROMPT)
    shown = [(time.monotonic(), terminal.screen())]
    with _terminal(command) as reader:
        for text in _chunks(reader):
            terminal.feed(text)
            now, screen = time.monotonic(), terminal.screen()
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


def _chunks(reader: int) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    while True:
        select.select([reader], [], [])
        time.sleep(0.02)  # for the rest of what is printed in one go
        try:
            some = os.read(reader, 65_536)
        except OSError:  # the program has ended
            return
        if not some:
            return
        yield decoder.decode(some)


if __name__ == "__main__":
    main()
