"""Loading without the garbage collector, which finds nothing to collect there.

One look at all that redis-py brings takes 25 ms. A start has a hundred smaller ones; a worker would have such a one
every now and then, with its interpreter held, and the end of a process has several.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Import without collections, and leave what is there now out of all later ones."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()
