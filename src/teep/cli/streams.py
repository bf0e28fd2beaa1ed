"""Standard streams for a program that was started without some of them (`2>&-`)."""

import os
import sys

_STREAMS = ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w"))


def open_closed() -> list[str]:
    """Put the null device in the place of each stream that is closed, and return their names.

    Python has None there. And the first file or connection that is opened would get the stream's number, so that
    the error output of any library or child process would go into that.
    """
    closed = [stream for stream in _STREAMS if getattr(sys, stream[1]) is None]
    for number, name, mode in closed:
        descriptor = os.open(os.devnull, os.O_RDWR)
        if descriptor != number:
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.set_inheritable(number, True)
        setattr(sys, name, os.fdopen(number, mode, closefd=False))
    return [name for _, name, _ in closed]
