"""The pytest plugin: fixtures for a real server and a worker in this process, and the mode of each test.

1. `teep_redis`: the process-wide configuration, on an embedded Valkey of the session that is empty for each test.
2. `teep_worker`: a worker on it.
3. The ini option `teep_mode`, and the marker `teep(mode)` of a test, say where pushes go: "fake" or "inline".
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest

from teep import embedded
from teep.config import Config, default_config, driver_for, overridden
from teep.testing.modes import disable, fake, inline
from teep.testing.worker import InProcessWorker
from teep.wire import commands

_MODES: dict[str, Callable[..., AbstractContextManager[Any]]] = {
    "fake": fake,
    "inline": inline,
    "disable": disable,
    "": lambda **_: nullcontext(),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("teep_mode", 'where pushes of tests go: "fake", "inline", or "disable" (to Redis)', default="")
    parser.getgroup("teep").addoption(
        "--teep-redis-url",
        metavar="URL",
        help="the Redis of teep_redis, instead of an embedded one; its database is FLUSHED before each test",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", 'teep(mode): where pushes of the test go: "fake", "inline" or "disable"')


@pytest.fixture(autouse=True)
def _teep_mode(request: pytest.FixtureRequest) -> Iterator[None]:
    marker = request.node.get_closest_marker("teep")
    mode = request.config.getini("teep_mode") if marker is None else next(iter(marker.args), None)
    if mode not in _MODES:
        pytest.fail(f"there is no teep mode {mode!r}; there are fake, inline and disable", pytrace=False)
    with _MODES[mode](everywhere=True):
        yield


@pytest.fixture(scope="session")
def _teep_redis_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if url := request.config.getoption("--teep-redis-url"):
        yield url
        return
    with embedded.acquire(tmp_path_factory.mktemp("teep")) as lease:
        yield lease.url


@pytest.fixture
def teep_redis(_teep_mode: None, _teep_redis_url: str) -> Iterator[Config]:
    """The process-wide configuration, on an empty Valkey: what the program has configured, with another server.

    Pushes are real, whatever the mode.
    """
    config = default_config().copy(redis_url=_teep_redis_url)
    driver_for(config).execute(commands.flushdb())
    with overridden(config), disable(everywhere=True):
        yield config


@pytest.fixture
def teep_worker(teep_redis: Config) -> Iterator[InProcessWorker]:
    """A worker on `teep_redis` for every job that is imported; it runs nothing before `drain()` or `start()`."""
    worker = InProcessWorker(teep_redis)
    yield worker
    worker.stop()
