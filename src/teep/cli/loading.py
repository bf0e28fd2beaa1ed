"""Imports without the garbage collector, which finds nothing to collect there.

One collection over all objects of redis-py takes 25 ms. A start has a hundred smaller ones. A worker would have such
a large one every now and then, in which no job runs, and the end of a process has several.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Import without collections, and leave the objects of now out of all later ones."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()
