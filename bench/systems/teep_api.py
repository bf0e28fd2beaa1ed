"""teep's side of `bench api`: asked over standard input, timed by this process's own clock.

api.rb is the same program in Ruby. A request is a line {"operation", "args", "repeat"}, answered by the line "ready"
once the operation is prepared. The next line starts the clock; the answer is {"seconds", "result"}: the mean of the
repetitions, and the result of the last one.

Started with the argument `count`, it answers with "round_trips", too, and its times mean nothing.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import teep
from teep.drivers import request

Call = Callable[[], Any]


@teep.job(name="NoopJob")
def noop(number: int, tenant: str) -> None:
    """Nothing; it is only pushed."""


def find_in_queue(queue: str, jid: str) -> Call:
    return lambda: _jid(teep.Queue(queue).find_job(jid))


def find_in_retry_set(jid: str) -> Call:
    return lambda: _jid(teep.RetrySet().find_job(jid))


def retry_all() -> Call:
    return lambda: teep.RetrySet().retry_all()


def kill_all() -> Call:
    return lambda: teep.RetrySet().kill_all()


def enqueue_all() -> Call:
    return lambda: teep.ScheduledSet().add_all_to_queue()


def iterate(queue: str, klass: str) -> Call:
    def call() -> list[Any]:
        count, jid = 0, ""
        for job in teep.Queue(queue):
            jid = job.jid
            if job.klass == klass:
                count += 1
        return [count, jid]

    return call


def delete_by_class(queue: str, klass: str) -> Call:
    return lambda: teep.Queue(queue).delete_by_class(klass)


def stats_fast() -> Call:
    def call() -> list[int]:
        stats = teep.Stats()
        return [
            stats.processed,
            stats.failed,
            stats.scheduled_size,
            stats.retry_size,
            stats.dead_size,
            stats.processes_size,
        ]

    return call


def stats_slow() -> Call:
    stats = teep.Stats()
    return lambda: [stats.enqueued, stats.workers_size]


def perform_async(count: int) -> Call:
    def call() -> None:
        for number in range(count):
            noop.perform_async(number, "tenant-42")

    return call


def perform_bulk(count: int) -> Call:
    return lambda: len(noop.perform_bulk([(number, "tenant-42") for number in range(count)]))


def _jid(record: teep.JobRecord | teep.SortedEntry | None) -> str | None:
    return None if record is None else record.jid


_OPERATIONS: dict[str, Callable[..., Call]] = {
    operation.__name__: operation
    for operation in (
        find_in_queue,
        find_in_retry_set,
        retry_all,
        kill_all,
        enqueue_all,
        iterate,
        delete_by_class,
        stats_fast,
        stats_slow,
        perform_async,
        perform_bulk,
    )
}


class _RoundTrips:
    """Counts round trips where teep's drivers decide what to send: each time, the whole answer is waited for."""

    def __init__(self) -> None:
        self.made = 0
        to_send = request.Request.to_send

        def counted(talk: request.Request[Any]) -> list[request.Args]:
            self.made += 1
            return to_send(talk)

        request.Request.to_send = counted  # type: ignore[method-assign, assignment]


def main() -> None:
    round_trips = _RoundTrips() if sys.argv[1:] == ["count"] else None
    while line := sys.stdin.readline():
        request = json.loads(line)
        calls = [_OPERATIONS[request["operation"]](*request["args"]) for _ in range(request["repeat"])]
        print("ready", flush=True)
        sys.stdin.readline()
        before = round_trips.made if round_trips else 0
        started = time.perf_counter()
        results = [call() for call in calls]
        seconds = time.perf_counter() - started
        answer = {"seconds": seconds / len(calls), "result": results[-1]}
        if round_trips:
            answer["round_trips"] = round_trips.made - before
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
