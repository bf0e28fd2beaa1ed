"""Iterable jobs keep their place, through stops, failures, cancellations and crashes."""

import logging
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, get_args

import msgspec
import pytest

import teep
from teep import encryption
from teep.encryption import values
from teep.errors import RedisUnavailable
from teep.job.iterable import iteration
from teep.job.iterable.checkpoints import Checkpoints
from teep.worker import Worker
from teep.worker.run.processor import Processor
from tests.conftest import ServerFactory
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet
from tests.worker.walking import Kind, Walk

pytestmark = [
    pytest.mark.usefixtures("own_registry"),
    # As in test_cancel.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(params=get_args(Kind))
def kind(request: pytest.FixtureRequest) -> Kind:
    kind: Kind = request.param
    return kind


@pytest.fixture
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint comes before each item."""
    monkeypatch.setattr(iteration, "CHECKPOINT_SECONDS", 0.0)


def saved(fleet: Fleet, jid: str) -> dict[str, bytes]:
    """Return what lies in Redis of a job's place."""
    fields = fleet.server.command("HGETALL", f"it-{jid}")
    return {str(name, "utf-8"): value for name, value in fields.items()}


def at(fleet: Fleet, jid: str) -> tuple[bytes, bytes]:
    """Return how often a job was started, and its cursor."""
    fields = saved(fleet, jid)
    return fields["ex"], fields["c"]


def _start_and_hold(fleet: Fleet, walk: Walk, items: int) -> str:
    """Let a worker begin the job, and hold it at its fourth item."""
    jid = fleet.push(walk.job, items)
    walk.hold(3)
    fleet.start()
    walk.wait_for(3)
    return jid


def over(fleet: Fleet, jid: str) -> None:
    """Check that nothing is left of a job."""
    assert saved(fleet, jid) == {}
    assert fleet.queue() == fleet.in_flight() == fleet.members("retry") == fleet.members("dead") == []


def payloads(fleet: Fleet) -> list[dict[str, Any]]:
    return [msgspec.json.decode(raw) for raw in fleet.queue()]


def test_a_stop_interrupts_between_two_items_and_the_next_worker_goes_on(fleet: Fleet, kind: Kind) -> None:
    walk = Walk(kind)
    jid = fleet.push(walk.job, 10, tags=["big"])
    (before,) = payloads(fleet)
    walk.interrupt(fleet, 3, lambda worker: worker.stop(SOON))
    assert (walk.done, walk.called) == ([0, 1, 2, 3], ["start", "stop"])
    assert saved(fleet, jid).keys() == {"ex", "c", "rt"}
    assert at(fleet, jid) == (b"1", b"4")
    (after,) = payloads(fleet)
    assert list(after) == list(before)
    assert after.pop("enqueued_at") > before.pop("enqueued_at")
    assert after == before
    assert fleet.counters() == (1, 0)
    fleet.start()
    fleet.wait_until_processed(2)
    assert walk.done == list(range(10))
    assert walk.called == ["start", "stop", "resume 4", "stop", "complete"]
    over(fleet, jid)
    assert fleet.counters() == (2, 0)


def test_a_quiet_worker_puts_it_back_behind_what_waits(valkey_fleet: Fleet) -> None:
    fleet, walk = valkey_fleet, Walk()
    first = fleet.push(walk.job, 5)

    def quiet(worker: Worker) -> None:
        fleet.server.command("DEL", "queues")
        fleet.push_raw(b"waiting")
        worker.quiet()

    walk.interrupt(fleet, 1, quiet, concurrency=1)
    wait_until(lambda: not fleet.in_flight(), SOON, "the job to be back")
    waiting, back = fleet.queue()
    assert waiting == b"waiting"
    assert msgspec.json.decode(back)["jid"] == first
    assert fleet.server.command("SMEMBERS", "queues") == {b"default"}


def test_a_failure_keeps_the_place_and_uses_an_attempt(fleet: Fleet, kind: Kind) -> None:
    walk = Walk(kind)
    walk.failing = [2, 2]
    config = fleet.configure(poll_interval_average=0.05)
    config.error_handlers.append(lambda _error, _context: None)
    jid = fleet.push(walk.job, 5)
    fleet.start(config)
    for attempt in range(2):
        assert fleet.failed_payload()["retry_count"] == attempt
        assert at(fleet, jid) == (b"%d" % (attempt + 1), b"2")
        (entry,) = teep.RetrySet(config=config)
        assert entry.reschedule(time.time())
        fleet.wait_until_processed(attempt + 2)
    assert walk.done == [0, 1, 2, 3, 4]
    assert walk.called == ["start", "resume 2", "resume 2", "stop", "complete"]
    over(fleet, jid)
    assert fleet.counters() == (3, 2)


@pytest.mark.parametrize("name", ["on_stop", "on_complete"])
def test_an_end_that_fails_repeats_no_more_than_the_last_item(valkey_fleet: Fleet, kind: Kind, name: str) -> None:
    fleet, walk, failed = valkey_fleet, Walk(kind), list[str]()
    callback = getattr(walk.job, name)

    def failing(self: Any) -> None:
        callback(self)
        if not failed:
            failed.append(name)
            raise ValueError("as intended")

    setattr(walk.job, name, failing)
    config = fleet.configure(poll_interval_average=0.05)
    config.error_handlers.append(lambda _error, _context: None)
    jid = fleet.push(walk.job, 4)
    fleet.start(config)
    fleet.failed_payload()
    assert at(fleet, jid) == (b"1", b"3")
    (entry,) = teep.RetrySet(config=config)
    assert entry.reschedule(time.time())
    fleet.wait_until_processed(2)
    assert walk.done == [0, 1, 2, 3, 3]
    assert walk.called[-3:] == ["resume 3", "stop", "complete"]
    over(fleet, jid)


@pytest.mark.usefixtures("_often")
def test_one_that_is_over_keeps_its_place_until_it_is_acknowledged(
    valkey_fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet, walk = valkey_fleet, Walk()

    def dies(_processor: Processor, *_: object) -> None:
        raise RuntimeError("as if it were killed here")

    config = fleet.configure()
    config.error_handlers.append(lambda _error, _context: None)
    jid = fleet.push(walk.job, 4)
    with monkeypatch.context() as patched:
        patched.setattr(Processor, "_end", dies)
        worker = fleet.start(config)
        wait_until(lambda: walk.called == ["start", "stop", "complete"], SOON, "the end")
        worker.stop(SOON)
    assert at(fleet, jid) == (b"1", b"3")
    fleet.start()
    fleet.wait_until_processed(1)
    assert walk.done == [0, 1, 2, 3, 3]
    assert walk.called[3:] == ["resume 3", "stop", "complete"]
    over(fleet, jid)


def test_a_start_that_fails_is_a_start_again(valkey_fleet: Fleet) -> None:
    fleet, called = valkey_fleet, list[str]()

    class Job(teep.IterableJob, retry=0, name="IterJob"):
        def build_enumerator(self, *, cursor: int | None) -> Iterator[tuple[int, int]]:
            return self.array_enumerator([0], cursor=cursor)

        def each_iteration(self, number: int) -> None:
            called.append("item")

        def on_start(self) -> None:
            called.append("start")
            if len(called) == 1:
                raise ValueError("as intended")

    config = fleet.configure()
    config.error_handlers.append(lambda _error, _context: None)
    fleet.push(Job)
    fleet.start(config)
    fleet.failed_payload("dead")
    teep.DeadSet(config=config).retry_all()
    fleet.wait_until_processed(2)
    assert called == ["start", "start", "item"]


@pytest.mark.usefixtures("_often")
def test_rubys_cancel_ends_it_at_the_next_checkpoint(fleet: Fleet, kind: Kind) -> None:
    walk = Walk(kind)
    jid = _start_and_hold(fleet, walk, 10)
    assert at(fleet, jid) == (b"1", b"3")
    fleet.server.command("HSETNX", f"it-{jid}", "cancelled", 1795487452)
    walk.go()
    fleet.wait_until_processed(1)
    assert walk.done == [0, 1, 2, 3]
    assert walk.called == ["start", "cancel", "stop", "complete"]
    over(fleet, jid)
    assert fleet.counters() == (1, 0)


def test_one_that_ruby_cancelled_before_does_no_item(fleet: Fleet) -> None:
    walk = Walk()
    jid = fleet.push(walk.job, 10)
    fleet.server.command("HSETNX", f"it-{jid}", "cancelled", 1795487452)
    fleet.start()
    fleet.wait_until_processed(1)
    assert (walk.done, walk.called) == ([], ["start", "cancel", "stop", "complete"])
    over(fleet, jid)


def test_the_clients_cancel_ends_it_before_its_next_item(
    fleet: Fleet, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    walk = Walk(kind)
    jid = _start_and_hold(fleet, walk, 100_000)
    with caplog.at_level(logging.INFO, "teep.job"):
        assert fleet.client.cancel(jid) == "working"
        walk.go()
        fleet.wait_until_processed(1)
    assert len(walk.done) < 100_000
    assert walk.called == ["start", "cancel", "stop", "complete"]
    over(fleet, jid)
    assert fleet.counters() == (1, 0)
    assert [record.getMessage() for record in caplog.records if record.name == "teep.job"][-1] == "cancel"


def test_the_clients_cancel_interrupts_an_item_that_takes_long(fleet: Fleet, kind: Kind) -> None:
    walk = Walk(kind)
    jid = _start_and_hold(fleet, walk, 10)
    assert fleet.client.cancel(jid) == "working"
    fleet.wait_until_processed(1)
    assert (walk.done, walk.called) == ([0, 1, 2], ["start", "cancel", "stop", "complete"])
    over(fleet, jid)
    walk.go()  # what waits in asyncio's own thread


def test_one_that_is_cancelled_in_a_callback_leaves_no_place(valkey_fleet: Fleet) -> None:
    fleet, walk = valkey_fleet, Walk()

    def on_complete(_self: Any) -> None:
        walk.called.append("complete")
        wait_until(lambda: False, SOON, "the cancellation")

    walk.job.on_complete = on_complete
    jid = fleet.push(walk.job, 3)
    fleet.start()
    wait_until(lambda: "complete" in walk.called, SOON, "the end")
    assert fleet.client.cancel(jid) == "working"
    fleet.wait_until_processed(1)
    over(fleet, jid)
    assert fleet.counters() == (1, 0)


def test_cancelling_one_that_waits_removes_its_place(fleet: Fleet) -> None:
    walk = Walk()
    jid = fleet.push(walk.job, 10)
    walk.interrupt(fleet, 3, lambda worker: worker.stop(SOON))
    assert at(fleet, jid) == (b"1", b"4")
    assert fleet.client.cancel(jid) == "queued"
    over(fleet, jid)
    assert fleet.client.cancel(jid) is None
    # Ruby may run it, and reads a cursor wherever there is a state.
    assert saved(fleet, jid).keys() == {"cancelled", "c"}
    assert 0 < fleet.server.command("TTL", f"it-{jid}") <= 3_600  # most jobs that are cancelled have no use for it


def test_a_job_cancels_itself(valkey_fleet: Fleet) -> None:
    fleet, walk = valkey_fleet, Walk()
    step = walk.job.each_iteration

    def each_iteration(self: Any, number: int, count: int) -> None:
        step(self, number, count)
        if number == 2:
            assert (self.cursor, self.current_object, self.arguments, self.cancelled) == (2, 2, (10,), False)
            self.cancel()
            assert self.cancelled

    walk.job.each_iteration = each_iteration
    jid = fleet.push(walk.job, 10)
    fleet.start()
    fleet.wait_until_processed(1)
    assert (walk.done, walk.called) == ([0, 1, 2], ["start", "cancel", "stop", "complete"])
    over(fleet, jid)


@pytest.mark.parametrize("where", ["config", "option", "push"])
def test_one_that_has_had_its_time_makes_way_and_comes_on_each_time(valkey_fleet: Fleet, where: str) -> None:
    fleet = valkey_fleet
    limit: dict[str, Any] = {"max_iteration_runtime": 0.01}
    walk = Walk("def", **(limit if where == "option" else {}))
    walk.seconds = 0.02
    jid = fleet.push(walk.job, 4, **(limit if where == "push" else {}))
    fleet.start(**(limit if where == "config" else {}))
    fleet.wait_until_processed(4)  # an item a run
    assert walk.done == [0, 1, 2, 3]
    assert walk.called.count("complete") == 1
    over(fleet, jid)


@pytest.mark.parametrize("seconds", [1e-320, 1e-9])
def test_each_run_comes_on_by_an_item_however_little_time_it_has(
    valkey_fleet: Fleet, kind: Kind, seconds: float
) -> None:
    walk = Walk(kind)
    jid = valkey_fleet.push(walk.job, 5, max_iteration_runtime=seconds)
    valkey_fleet.start()
    valkey_fleet.wait_until_processed(5)
    assert walk.done == [0, 1, 2, 3, 4]
    assert 5 <= valkey_fleet.counters()[0] <= 6  # where the clock stands still, the last item needs no run of its own
    over(valkey_fleet, jid)


def test_debug_lines_are_those_of_sidekiq(valkey_fleet: Fleet, kind: Kind, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "teep.job")
    walk = Walk(kind, max_iteration_runtime=0.01)
    walk.seconds = 0.02
    jid = valkey_fleet.push(walk.job, 2)
    valkey_fleet.push(walk.job, 0)
    worker = valkey_fleet.start(concurrency=1)
    valkey_fleet.wait_until_processed(3)
    worker.stop()
    told = [re.sub(r"runtime=\d+\.\d{3}", "runtime=…", record.message) for record in caplog.records]
    assert [line for line in told if "iterat" in line or "Interrupting" in line] == [
        "Interrupting job (cursor=1)",
        "Enumerator found nothing to iterate!",
        "Completed iteration. executions=1 runtime=…",
        "Completed iteration. executions=2 runtime=…",
    ]
    over(valkey_fleet, jid)


def test_one_that_began_in_time_is_never_too_late_to_go_on(valkey_fleet: Fleet) -> None:
    fleet, walk = valkey_fleet, Walk(expires_in=60)
    jid = fleet.push(walk.job, 6)
    walk.interrupt(fleet, 2, lambda worker: worker.stop(SOON))
    (back,) = payloads(fleet)
    assert back["expires_in"] == 60
    fleet.server.command("DEL", "queue:default")
    fleet.push_raw(msgspec.json.encode(back | {"expiry": 1.0}))  # as if that minute had passed
    fleet.start()
    fleet.wait_until_processed(2)
    assert walk.done == [0, 1, 2, 3, 4, 5]
    over(fleet, jid)


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_one_that_has_not_begun_may_be_too_late(valkey_fleet: Fleet, is_cancelled: bool) -> None:
    fleet, walk = valkey_fleet, Walk(expires_in=60)
    jid = fleet.push(walk.job, 6, expiry=1.0)
    if is_cancelled:  # which leaves a state, too
        fleet.server.command("HSET", f"it-{jid}", "cancelled", 1795487452, "c", "null")
    fleet.start()
    fleet.wait_until_processed(1)
    assert (walk.done, walk.called) == ([], [])
    assert teep.Stats(config=fleet.config).expired == 1


def test_a_kill_repeats_what_came_after_the_last_checkpoint(valkey_fleet: Fleet) -> None:
    fleet = valkey_fleet
    process = fleet.spawn(program=("teep", "worker", "tests.worker.items"))
    jid = fleet.push("walk", 100, 0.01)
    wait_until(lambda: saved(fleet, jid).get("c", b"null") not in (b"null", b"0"), SOON, "a checkpoint")
    process.kill()
    done, cursor = fleet.noted(), int(saved(fleet, jid)["c"])
    assert len(done) >= cursor
    fleet.spawn(program=("teep", "worker", "tests.worker.items"))
    fleet.wait_until_processed(1)
    assert fleet.noted() == [*done, *map(str, range(cursor, 100))]
    assert fleet.noted("began") == ["0", str(cursor)]
    over(fleet, jid)


def test_a_real_process_is_stopped_and_another_goes_on_without_repeating_an_item(valkey_fleet: Fleet) -> None:
    fleet = valkey_fleet
    process = fleet.spawn(program=("teep", "worker", "tests.worker.items"))
    jid = fleet.push("walk", 60, 0.01)
    fleet.wait_for_notes(10)
    process.signal(signal.SIGTERM)
    assert process.wait() == 0
    assert len(fleet.noted()) < 60
    assert "interrupt" in process.log
    fleet.spawn(program=("teep", "worker", "tests.worker.items"))
    fleet.wait_until_processed(2)
    assert fleet.noted() == [str(number) for number in range(60)]
    over(fleet, jid)


def test_an_item_that_does_not_end_before_the_stop_is_the_first_of_the_next_run(fleet: Fleet, kind: Kind) -> None:
    walk = Walk(kind)
    jid = fleet.push(walk.job, 5)
    (raw,) = fleet.queue()
    walk.hold(3)
    worker = fleet.start()
    walk.wait_for(3)
    worker.stop(0.1)
    assert fleet.queue() == [raw]
    assert at(fleet, jid) == (b"1", b"3")
    assert fleet.counters() == (0, 0)
    walk.go()


def test_a_timeout_is_a_failure_that_keeps_the_place(fleet: Fleet, kind: Kind) -> None:
    walk = Walk(kind)
    config = fleet.configure()
    config.error_handlers.append(lambda _error, _context: None)
    jid = fleet.push(walk.job, 5, timeout=1.0)
    walk.hold(2)
    fleet.start(config)
    assert fleet.failed_payload()["error_class"] == "teep.errors.JobTimeout"
    assert at(fleet, jid) == (b"1", b"2")
    walk.go()


def test_one_that_survives_its_timeout_and_is_interrupted_then_comes_again(valkey_fleet: Fleet) -> None:
    fleet, walk, survived = valkey_fleet, Walk(), list[int]()
    step = walk.job.each_iteration

    def each_iteration(self: Any, number: int, count: int) -> None:
        if number == 1 and not survived:
            try:
                wait_until(lambda: False, SOON, "the timeout")
            except teep.errors.JobTimeout:
                survived.append(number)
        step(self, number, count)

    walk.job.each_iteration = each_iteration
    jid = fleet.push(walk.job, 5, timeout=0.5)
    walk.interrupt(fleet, 3, lambda worker: worker.stop(SOON))
    assert survived == [1]
    assert [item["jid"] for item in payloads(fleet)] == [jid]
    fleet.start()
    fleet.wait_until_processed(2)
    assert walk.done == [0, 1, 2, 3, 4]
    assert fleet.counters() == (2, 0)


@pytest.mark.usefixtures("_often")
def test_an_outage_ends_no_run(fresh_server: ServerFactory) -> None:
    server = fresh_server(append_only=True)
    with Fleet(server) as fleet:
        walk = Walk()
        fleet.push(walk.job, 5)
        walk.hold(2)
        fleet.start()
        walk.wait_for(2)
        server.kill()
        walk.go()
        wait_until(lambda: walk.called == ["start", "stop", "complete"], SOON, lambda: f"the end: {walk.called}")
        assert walk.done == [0, 1, 2, 3, 4]
        server.restart()
        fleet.wait_until_processed(1)
        assert fleet.queue() == fleet.members("retry") == []


def test_one_whose_place_cannot_be_read_comes_again_with_no_attempt_used(
    valkey_fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet, walk = valkey_fleet, Walk()
    losses = [RedisUnavailable("lost")]
    load = Checkpoints.load

    async def loaded(self: Checkpoints) -> Any:
        if losses:
            raise losses.pop()
        return await load(self)

    monkeypatch.setattr(Checkpoints, "load", loaded)
    jid = fleet.push(walk.job, 3)
    fleet.start()
    fleet.wait_until_processed(2)
    assert (walk.done, walk.called) == ([0, 1, 2], ["start", "stop", "complete"])
    assert fleet.counters() == (2, 0)
    over(fleet, jid)


@pytest.mark.usefixtures("_often")
def test_a_run_that_others_have_taken_over_ends_and_changes_nothing(fleet: Fleet) -> None:
    walk = Walk()
    jid = fleet.push(walk.job, 10)
    walk.hold(3)
    fleet.start()
    walk.wait_for(3)
    fleet.server.command("HSET", f"it-{jid}", "ex", 2, "c", "7", "rt", "1.5")
    walk.go()
    fleet.wait_until_processed(2)
    # Here nobody has really taken it over, so it is put back, and shows what lay in Redis then.
    assert walk.done == [0, 1, 2, 3, 7, 8, 9]
    assert walk.called == ["start", "stop", "resume 7", "stop", "complete"]


@pytest.mark.usefixtures("_often")
def test_a_run_that_was_ended_elsewhere_leaves_no_place(fleet: Fleet) -> None:
    walk = Walk()
    jid = fleet.push(walk.job, 10)
    walk.hold(3)
    fleet.start()
    walk.wait_for(3)
    # As after a rescue, once the job was run to its end: neither is left.
    fleet.server.command("UNLINK", f"it-{jid}", *fleet.server.command("KEYS", "*:inflight:*"))
    walk.go()
    wait_until(lambda: walk.called == ["start", "stop"], SOON, lambda: f"the end: {walk.called}")
    assert walk.done == [0, 1, 2, 3]
    over(fleet, jid)


def test_middleware_sees_an_interruption_as_an_end_like_any_other(valkey_fleet: Fleet) -> None:
    fleet, walk, ends = valkey_fleet, Walk(), list[str]()

    def committing(_job: Any, call_next: Callable[[], Any]) -> Any:
        outcome = call_next()
        ends.append("commit")
        return outcome

    fleet.config.server_middleware.add(committing)
    fleet.push(walk.job, 5)
    walk.hold(1)
    worker = fleet.start(fleet.config)
    walk.wait_for(1)
    worker.quiet()
    walk.go()
    wait_until(fleet.queue, SOON, "the job to be back")
    assert ends == ["commit"]


def test_what_middleware_puts_into_the_payload_does_not_come_back_with_it(valkey_fleet: Fleet) -> None:
    fleet, walk = valkey_fleet, Walk()

    def adding(job: Any, call_next: Callable[[], Any]) -> Any:
        job.update(span=object(), note="own")
        return call_next()

    # One slot: another one might wait at the queue still when the job comes back, take it, and return it.
    config = fleet.configure(concurrency=1)
    config.server_middleware.add(adding)
    jid = fleet.push(walk.job, 5)
    (before,) = payloads(fleet)
    walk.hold(1)
    worker = fleet.start(config)
    walk.wait_for(1)
    worker.quiet()
    walk.go()
    wait_until(fleet.queue, SOON, "the job to be back")
    (after,) = payloads(fleet)
    assert after["jid"] == jid
    assert after | {"enqueued_at": 0} == before | {"enqueued_at": 0}


def test_an_item_that_takes_longer_than_a_stop_waits_is_said_so(
    valkey_fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    fleet, walk = valkey_fleet, Walk()
    fleet.push(walk.job, 3)
    walk.hold(1)
    with caplog.at_level(logging.WARNING, "teep.job"):
        fleet.start(timeout=0.05)
        walk.wait_for(1)
        began = time.monotonic()
        wait_until(lambda: time.monotonic() - began > 0.1, SOON, "a long item")
        walk.go()
        fleet.wait_until_processed(1)
    # On a busy machine the other two items may be late as well.
    assert len([text for text in caplog.messages if text.startswith("an item of")]) in (1, 2, 3)


def test_an_encrypted_argument_is_clear_in_each_run_and_in_no_checkpoint(
    valkey_fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(values, "_keyring", None)
    encryption.enable(active_version=1, key={1: b"k" * 32})
    fleet, walk, seen = valkey_fleet, Walk(), set[tuple[Any, ...]]()

    class Job(teep.IterableJob, name="secret", encrypt=True):
        def build_enumerator(self, count: int, secret: str, *, cursor: int | None) -> Iterator[tuple[int, int]]:
            seen.add(("builds", secret))
            return self.array_enumerator(range(count), cursor=cursor)

        def each_iteration(self, number: int, count: int, secret: str) -> None:
            seen.add(("iterates", secret))
            frame = sys._getframe().f_back
            while frame is not None and "teep" in frame.f_code.co_filename:
                assert "hunter2" not in repr(frame.f_locals)
                frame = frame.f_back
            walk.step(number)

    jid = fleet.push(Job, 5, "hunter2")
    walk.interrupt(fleet, 2, lambda worker: worker.stop(SOON))
    (payload,) = payloads(fleet)
    assert "hunter2" not in repr((payload, saved(fleet, jid)))
    fleet.start()
    fleet.wait_until_processed(2)
    assert walk.done == [0, 1, 2, 3, 4]
    assert seen == {("builds", "hunter2"), ("iterates", "hunter2")}
