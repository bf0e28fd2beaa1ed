"""The pytest plugin: fixtures for a real server and a worker in this process, and the mode of each test.

1. `teep_redis`: the process-wide configuration, on an embedded Valkey of the session that is empty for each test.
2. `teep_worker`: a worker on it.
3. The ini option `teep_mode` says where pushes go from the start of the session to its end: "fake" or "inline". The
   marker `teep(mode)` of a module, a class or a test says it for that one and the fixtures of its scope.
4. Jobs that a test defines inside of itself end with it.

It loads in every run of pytest if teep is installed, so it imports its parts only when they are used.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from teep.config import Config
    from teep.testing.worker import InProcessWorker

_MODES = ("fake", "inline", "disable")
_session = ExitStack()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("teep_mode", 'where pushes of tests go: "fake", "inline", or "disable" (to Redis)', default="")
    parser.getgroup("teep").addoption(
        "--teep-redis-url",
        metavar="URL",
        help="the Redis of teep_redis, instead of an embedded one; its database is FLUSHED before each test."
        " Each process of pytest-xdist takes a database of its own, from the one named on",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", 'teep(mode): where pushes of the test go: "fake", "inline" or "disable"')


def pytest_sessionstart(session: pytest.Session) -> None:
    # From before the first test file is imported: jobs that fixtures of any scope push must not reach Redis either.
    _session.enter_context(_entered(session.config.getini("teep_mode"), pytest.exit))


def pytest_sessionfinish() -> None:
    _session.close()


@pytest.fixture(autouse=True, scope="module")
def _teep_mode_of_module(request: pytest.FixtureRequest) -> Iterator[None]:
    with _marked(request, ""):
        yield


@pytest.fixture(autouse=True, scope="class")
def _teep_mode_of_class(request: pytest.FixtureRequest) -> Iterator[None]:
    with _marked(request, ""):
        yield


@pytest.fixture(autouse=True)
def _teep_mode(request: pytest.FixtureRequest) -> Iterator[None]:
    # Entered anew for each test, so that each has collected jobs of its own.
    with _marked(request, request.config.getini("teep_mode")):
        yield


def _marked(request: pytest.FixtureRequest, otherwise: str) -> AbstractContextManager[object]:
    """Return the mode of the test, class or module that a fixture is for, to be entered."""
    marker = request.node.get_closest_marker("teep")
    return _entered(otherwise if marker is None else next(iter(marker.args), None), pytest.fail)


def _entered(mode: Any, refuse: Callable[[str], Any]) -> AbstractContextManager[object]:
    if mode == "":
        return nullcontext()
    if mode not in _MODES:
        refuse(f"there is no teep mode {mode!r}; there are fake, inline and disable")
    from teep.testing import modes  # noqa: PLC0415

    entered: AbstractContextManager[object] = getattr(modes, mode)(everywhere=True)
    return entered


@pytest.fixture(autouse=True)
def _teep_jobs() -> Iterator[None]:
    """Each test, and each parameter of one, may define its own jobs, under names that others use as well."""
    definition = sys.modules.get("teep.job.definition")  # not imported for a project that has no jobs
    with nullcontext() if definition is None else definition.forgetting():
        yield


@pytest.fixture(scope="session")
def _teep_redis_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    from teep import embedded  # noqa: PLC0415
    from teep.testing.databases import own_database  # noqa: PLC0415

    if url := request.config.getoption("--teep-redis-url"):
        yield own_database(url, getattr(request.config, "workerinput", {}).get("workerid", "gw0"))
        return
    with embedded.acquire(tmp_path_factory.mktemp("teep")) as lease:
        yield lease.url


@pytest.fixture
def teep_redis(_teep_mode: None, _teep_redis_url: str) -> "Iterator[Config]":
    """The process-wide configuration, on an empty Valkey: the program's own one, with another server.

    Pushes are real, whatever the mode.
    """
    from teep import clock  # noqa: PLC0415
    from teep.config import default_config, driver_for, overridden  # noqa: PLC0415
    from teep.testing.modes import disable  # noqa: PLC0415
    from teep.wire import commands  # noqa: PLC0415

    config = default_config().copy(redis_url=_teep_redis_url)
    driver_for(config).execute(commands.flushdb())
    with overridden(config), disable(everywhere=True):
        clock.travel(on=True)
        try:
            yield config
        finally:
            clock.travel(on=False)


@pytest.fixture
def teep_worker(teep_redis: "Config") -> "Iterator[InProcessWorker]":
    """A worker on `teep_redis` for every job that is imported; it runs nothing before `drain()` or `start()`."""
    from teep.testing.worker import InProcessWorker  # noqa: PLC0415

    worker = InProcessWorker(teep_redis)
    yield worker
    worker.stop()
