"""The same look again and again, in its place on the screen."""

import sys
from collections.abc import Callable
from time import sleep

from teep.errors import RedisError

SECONDS = 2.0
"""Between two looks."""


def look(read: Callable[[], Callable[[], None]], *, again: bool) -> None:
    """Read, and call what prints that; `again` and again until Ctrl-C, in a pipe one below the other.

    An outage that comes later than the first look is told in a sentence, and waited out.
    """
    printing = read()
    if not again:
        printing()
        return
    try:
        while True:
            _clear()
            printing()
            sys.stdout.flush()
            sleep(SECONDS)
            printing = _read_or_tell(read)
    except KeyboardInterrupt:  # the way to end it
        return


def _read_or_tell(read: Callable[[], Callable[[], None]]) -> Callable[[], None]:
    try:
        return read()
    except RedisError as error:
        sentence = f"teep: {error}"
        return lambda: print(sentence, file=sys.stderr)


def _clear() -> None:
    if sys.stdout.isatty():
        print("\033[2J\033[H", end="")
