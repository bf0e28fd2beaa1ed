"""On which servers a test runs, where one of them is enough.

1. A test that takes `server` runs on every kind of server.
2. A test of the worker, or of a feature in it, runs on one kind, drawn by its name and arguments, so that each kind
   has its share. What a worker asks of a server is tested on all of them by the tests of the scripts, of the store
   and of the data API.
3. A test of the data API, or of a feature as a client sees it, runs on one kind from a thread and on the other from
   asyncio, so that each function is tested on both, and each side on both over all.
4. `@pytest.mark.every_server` and `@pytest.mark.one_server` on a test or in a file say otherwise.
5. `--every-server` runs everything on all of them, as do `-k` and a test's full name with its brackets.
"""

from collections import defaultdict
from zlib import crc32

import pytest

_SIDES = ("sync", "async")
_MARKERS = {
    "every_server": "it runs on every kind of server, though it tests the worker",
    "one_server": "it runs on one kind of server, drawn by its name: the others would show nothing more",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--every-server", action="store_true", help="run each test on every kind of server")


def pytest_configure(config: pytest.Config) -> None:
    for name, meaning in _MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    named = config.option.keyword or any("[" in argument for argument in config.args)
    if named or config.getoption("--every-server"):
        return
    kinds: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for item in items:
        if kind := _kind(item):
            kinds[_function(item)][kind] = None
    items[:] = [item for item in items if _runs(item, list(kinds[_function(item)]))]


def _runs(item: pytest.Item, kinds: list[str]) -> bool:
    kind = _kind(item)
    return not kind or not _one_is_enough(item) or kind == _drawn(item, kind, kinds)


def _kind(item: pytest.Item) -> str:
    if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
        return str(item.callspec.params.get("server") or "")
    return ""


def _function(item: pytest.Item) -> str:
    return item.nodeid.partition("[")[0]


def _one_is_enough(item: pytest.Item) -> bool:
    marked = next((mark.name for mark in item.iter_markers() if mark.name in _MARKERS), "")
    if marked:
        return marked == "one_server"
    if item.nodeid.startswith("tests/worker/") or item.path.name == "test_worker.py":
        return True
    of_both_sides = not _arguments(item.nodeid).isdisjoint(_SIDES)
    return of_both_sides and item.nodeid.startswith(("tests/api/", "tests/features/"))


def _drawn(item: pytest.Item, kind: str, kinds: list[str]) -> str:
    """Return one of the kinds that there are of this test."""
    arguments = _arguments(item.nodeid)
    others = sorted(arguments.difference((kind, *_SIDES)))
    number = crc32("-".join([_function(item), *others]).encode()) + ("async" in arguments)
    return kinds[number % len(kinds)]


def _arguments(nodeid: str) -> set[str]:
    return set(nodeid.partition("[")[2].removesuffix("]").split("-"))
