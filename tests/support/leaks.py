"""Nothing is left open: what a file's tests have left behind fails the last of them.

What nobody holds any more, such as a client that was never closed, warns when it is collected: so that happens while
pytest listens, and not after its closing line.

A file's last collection looks at what the file has made, not again at what earlier ones have kept: that is looked at
once more in the end.
"""

import gc
from collections.abc import Iterator

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    gc.disable()  # what is made now stays


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()  # nothing of what is there by now is looked at again: a collection takes milliseconds
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    gc.unfreeze()  # for pytest's own last collections, which tell of what was left behind


@pytest.fixture(scope="module", autouse=True)
def _nothing_left_open() -> Iterator[None]:
    yield
    gc.collect()
    gc.freeze()
