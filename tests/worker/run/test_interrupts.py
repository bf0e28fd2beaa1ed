"""An interruption reaches its job or nobody: whatever the moment, the code after the job is not hit."""

import contextlib
import gc
import itertools
import queue
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any, Self

import pytest

from teep.errors import JobCancelled, JobTimeout, Shutdown
from teep.worker.fetch.unit import UnitOfWork
from teep.worker.run.halting import interrupts as interrupts_module
from teep.worker.run.halting.interrupts import Interrupts
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON

# An interruption that falls into a weak reference's callback or a hook of the garbage collector is ignored by Python,
# which says so; docs/timeouts-and-cancellation.md tells users.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

_RUNS = 4_000
# Seconds: several times what it takes to switch threads.
_LONGEST = 0.0005
_HERE = "here"


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads that are switched as often as can be, so that every order of steps comes up.

    And a hook of the garbage collector, in which Python ignores what is raised.
    """
    interval, collections = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-5)
    gc.callbacks.append(_hook)
    gc.set_threshold(10)
    yield
    gc.set_threshold(*collections)
    gc.callbacks.remove(_hook)
    sys.setswitchinterval(interval)


def _hook(_phase: str, _info: object) -> None:
    for _ in range(10):
        len(())


def _job() -> UnitOfWork:
    return UnitOfWork("default", b'{"class":"x","args":[]}')


class _Interrupter:
    """Interrupts each job it is given, with each of `kinds` in turn, a random moment after the last step."""

    def __init__(self, interrupts: Interrupts, kinds: Sequence[type[BaseException]]) -> None:
        self._interrupts = interrupts
        self._kinds = kinds
        self._jobs: queue.SimpleQueue[UnitOfWork | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run)

    def interrupt_soon(self, job: UnitOfWork) -> None:
        self._jobs.put(job)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            if not self._jobs.empty():
                continue  # it is late: that job is over
            for kind in self._kinds:
                _spin()
                self._interrupts.interrupt(_HERE, job, kind)


def _spin() -> None:
    until = time.perf_counter() + random.random() * _LONGEST
    while time.perf_counter() < until:
        pass


def _neighbour() -> None:
    """What a thread does after a job. Were anything left in its slot, it would be raised here, out of the test."""
    for _ in range(20):
        assert sum(number for number in range(5)) == 10


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("kinds", [(JobTimeout,), (JobTimeout, JobCancelled)], ids=["one", "two"])
def test_interruptions_at_random_moments_hit_the_job_or_nothing(kinds: tuple[type[BaseException], ...]) -> None:
    interrupts = Interrupts()
    interrupts.register(_HERE)
    ends: Counter[str] = Counter()
    with _Interrupter(interrupts, kinds) as interrupter:
        for _ in range(_RUNS):
            job = _job()
            interrupter.interrupt_soon(job)
            try:
                interrupts.run(_HERE, job, lambda _job, _thread_id: _spin())
            except kinds:
                ends["interrupted"] += 1
            else:
                ends["whole"] += 1
            _neighbour()
    assert ends.total() == _RUNS
    # Both ends came up often, so the moments in between did as well.
    assert min(ends["interrupted"], ends["whole"]) > _RUNS / 100, ends


class _AtOpcode:
    """Has another thread interrupt the job at the n-th bytecode of the handshake, and tells whether there was one."""

    _CODES = (Interrupts.run.__code__, Interrupts._answer.__code__)

    def __init__(self, moment: int, interrupts: Interrupts, job: UnitOfWork) -> None:
        self._left = moment
        self._asked: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._answered: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._interrupt, args=(interrupts, job))
        self.came = False

    def __enter__(self) -> Self:
        self._thread.start()
        sys.settrace(self._trace)
        return self

    def __exit__(self, *exc_info: object) -> None:
        sys.settrace(None)
        self._asked.put(False)
        self._thread.join()

    def _trace(self, frame: FrameType, event: str, _arg: object) -> Any:
        if frame.f_code not in self._CODES:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode" and not self.came:
            self._left -= 1
            if self._left < 0:
                self.came = True
                self._asked.put(True)
                self._answered.get()
        return self._trace

    def _interrupt(self, interrupts: Interrupts, job: UnitOfWork) -> None:
        if self._asked.get():
            interrupts.interrupt(_HERE, job, JobTimeout)
            self._answered.put(True)


def _at_each_moment(*, raises: bool) -> int:
    """Interrupt a job at each bytecode of its handshake, and return how many there are."""
    interrupts = Interrupts()
    interrupts.register(_HERE)

    def call(_job: UnitOfWork, _thread_id: str) -> None:
        if raises:
            raise KeyError("own")

    # Python 3.12 tells no bytecodes of a function's first run that is traced, so that one does not count.
    with _AtOpcode(sys.maxsize, interrupts, _job()):
        interrupts.run(_HERE, _job(), lambda _job, _thread_id: None)
    for moment in itertools.count():
        job = _job()
        with _AtOpcode(moment, interrupts, job) as at, contextlib.suppress(JobTimeout, KeyError):
            interrupts.run(_HERE, job, call)
        _neighbour()
        interrupts.interrupt(_HERE, job, JobCancelled)
        _neighbour()
        if not at.came:
            return moment
    raise AssertionError("there is an end to the bytecodes")


@pytest.mark.parametrize("raises", [False, True], ids=["returns", "raises"])
def test_an_interruption_at_each_bytecode_of_the_handshake(*, raises: bool) -> None:
    # In a thread that ends: what a tracer raises at some bytecodes stays behind there as the exception being handled.
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(_at_each_moment, raises=raises).result() > 20


@pytest.mark.parametrize("ignored", [1, sys.maxsize], ids=["once", "always"])
def test_a_thread_does_not_wait_for_what_python_ignored(ignored: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes while a hook of the garbage collector runs is ignored: here nothing comes at all."""
    interrupts, job = Interrupts(), _job()
    interrupts.register(_HERE)
    put: list[type[BaseException] | None] = []
    raise_in = interrupts_module._raise_in

    def lossy(ident: int, kind: type[BaseException] | None) -> None:
        put.append(kind)
        if len(put) > ignored:
            raise_in(ident, kind)

    def call(job: UnitOfWork, _thread_id: str) -> None:
        over = threading.Thread(target=interrupts.interrupt, args=(_HERE, job, JobTimeout))
        with monkeypatch.context() as patch:
            patch.setattr(interrupts_module, "_raise_in", lambda _ident, _kind: None)
            over.start()
            over.join()

    monkeypatch.setattr(interrupts_module, "_raise_in", lossy)
    interrupts.run(_HERE, job, call)
    _neighbour()
    assert (len(put) == 2) is (ignored == 1)
    assert (put[-1] is None) is (ignored != 1), "at last the slot is emptied"


def test_an_interruption_that_fails_is_decided_all_the_same() -> None:
    interrupts = Interrupts()  # without the thread's id

    def call(job: UnitOfWork, _thread_id: str) -> None:
        with pytest.raises(KeyError):
            interrupts.interrupt(_HERE, job, JobTimeout)
        interrupts.register(_HERE)

    interrupts.run(_HERE, _job(), call)


def test_a_job_that_is_over_is_left_alone_and_so_is_the_next() -> None:
    interrupts = Interrupts()
    interrupts.register(_HERE)
    over, following = _job(), _job()
    interrupts.run(_HERE, over, lambda _job, _thread_id: None)
    interrupts.interrupt(_HERE, over, JobTimeout)
    interrupts.run(_HERE, following, lambda _job, _thread_id: interrupts.interrupt(_HERE, over, JobTimeout))


def test_what_a_job_raises_itself_comes_out() -> None:
    interrupts = Interrupts()
    interrupts.register(_HERE)

    def call(_job: UnitOfWork, _thread_id: str) -> None:
        raise KeyError("own")

    with pytest.raises(KeyError, match="own"):
        interrupts.run(_HERE, _job(), call)


def test_a_second_interruption_reaches_a_job_that_ignored_the_first() -> None:
    interrupts = Interrupts()
    kinds: list[type[BaseException]] = []
    job, ready = _job(), threading.Event()

    def call(_job: UnitOfWork, _thread_id: str) -> None:
        while len(kinds) < 2:
            try:
                ready.set()
                while True:
                    time.sleep(0.001)
            except (JobTimeout, JobCancelled) as error:
                kinds.append(type(error))

    def work() -> None:
        interrupts.register(_HERE)
        interrupts.run(_HERE, job, call)

    thread = threading.Thread(target=work)
    thread.start()
    assert ready.wait(SOON)
    interrupts.interrupt(_HERE, job, JobTimeout)
    wait_until(lambda: kinds == [JobTimeout], SOON, "the first to be raised")
    interrupts.interrupt(_HERE, job, JobCancelled)
    thread.join(SOON)
    assert kinds == [JobTimeout, JobCancelled]


def test_no_job_begins_once_it_is_closed() -> None:
    interrupts = Interrupts()
    interrupts.register(_HERE)
    interrupts.close()
    begun: list[UnitOfWork] = []
    with pytest.raises(Shutdown):
        interrupts.run(_HERE, _job(), lambda job, _thread_id: begun.append(job))
    assert begun == []


def test_the_stack_shows_where_a_job_is() -> None:
    interrupts = Interrupts()
    shown: list[str] = []

    def call(_job: UnitOfWork, _thread_id: str) -> None:
        shown.append(interrupts.stack(_HERE))

    interrupts.register(_HERE)
    interrupts.run(_HERE, _job(), call)
    assert "shown.append(interrupts.stack(_HERE))" in shown[0]
