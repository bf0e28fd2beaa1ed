"""Selections while workers take and clients push, or when the caller crashes: each job stays in one place."""

from collections import Counter
from contextlib import suppress
from threading import Barrier, Thread

import pytest

from teep.config import driver_for
from teep.store.jobs import queues
from teep.store.jobs.queues import Destination
from teep.wire import keys
from tests.api.jobs.test_crash_safety import Crash, Lines
from tests.api.jobs.test_selection import (
    GOES_TO,
    QUEUE_VERBS,
    SET_VERBS,
    everywhere,
    fill_queue,
    fill_set,
    numbers_in,
    parity,
)
from tests.api.sides import Side, raw
from tests.api.trips import sent

pytestmark = pytest.mark.one_server

# Several slices and a rest.
MANY = 2 * queues.FILTERED_PAGE + 700


@pytest.mark.parametrize("verb", QUEUE_VERBS)
@pytest.mark.parametrize("kind", ["queue", "set"])
def test_each_job_is_in_one_place_after_a_verb_among_workers_and_clients(side: Side, kind: str, verb: str) -> None:
    fill_queue(side, range(MANY)) if kind == "queue" else fill_set(side, numbers=range(MANY))
    started = Barrier(3)

    def take() -> None:
        started.wait()
        for _ in range(1_500):
            if kind == "queue":
                side.server.command("LMOVE", "queue:default", "taken", "RIGHT", "LEFT")
            elif popped := side.server.command("ZPOPMIN", "retry"):
                side.server.command("LPUSH", "taken", popped[0][0])

    def push() -> None:
        started.wait()
        for number in range(MANY, MANY + 1_500):
            if kind == "queue":
                side.server.command("LPUSH", "queue:default", raw(parity(number)))
            else:
                side.server.command("ZADD", "retry", number, raw(parity(number)))

    threads = [Thread(target=take), Thread(target=push)]
    for thread in threads:
        thread.start()
    started.wait()
    selection = (side.Queue() if kind == "queue" else side.RetrySet()).where(klass="Odd")
    count = side.run(getattr(selection, verb)(*QUEUE_VERBS[verb]))
    for thread in threads:
        thread.join()
    gone = Counter(range(MANY + 1_500)) - everywhere(side)
    assert everywhere(side) + gone == Counter(range(MANY + 1_500))
    assert gone.total() == (count if verb == "delete_all" else 0)
    target = "retry" if (kind, verb) == ("set", "reschedule_all") else GOES_TO.get(verb)
    if target:
        assert len([n for n in numbers_in(side, target) if n % 2]) >= count
    # What was there at the start and stayed has been visited, whatever others did.
    source = "queue:default" if kind == "queue" else "retry"
    if target != source:
        assert not [number for number in numbers_in(side, source) if number % 2 and number < MANY]


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("pops", [1, 500])
@pytest.mark.parametrize("klass", [None, "Odd"])
def test_workers_between_reading_and_removing_hide_no_job(side: Side, klass: str | None, pops: int) -> None:
    """The slice after the one just done is read already when the progress is told."""
    fill_queue(side, range(1_400))

    def pop(done: int, total: int) -> None:
        popped = side.server.command("RPOP", "queue:default", pops) or []
        if popped:
            side.server.command("LPUSH", "taken", *popped)

    count = side.run(side.Queue().where(klass=klass).move_to("other", on_progress=pop))
    assert everywhere(side) == Counter(range(1_400))
    assert [number for number in numbers_in(side, "queue:default") if klass is None or number % 2] == []
    assert numbers_in(side, "queue:other") == sorted(numbers_in(side, "queue:other"))
    assert len(numbers_in(side, "queue:other")) == count


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("pops", [0, 1, 199, 300, 1_000, 1_240, 1_800])
@pytest.mark.parametrize("pushes", [0, 400])
def test_jobs_are_taken_out_however_far_they_have_moved(side: Side, pops: int, pushes: int) -> None:
    fill_queue(side, range(2_000))
    seen = list(range(1_200, 1_280))
    if pops:
        side.server.command("RPOP", "queue:default", pops)
    if pushes:
        fill_queue(side, range(2_000, 2_000 + pushes))
    moves = [(raw(parity(number)), raw(parity(number)), "0.0") for number in seen]
    plan = queues.take_out("default", (1_200, 80), moves, Destination("list", keys.queue("other"), "other"))
    with sent() as commands:
        taken = driver_for(side.config).run(plan).done
    assert (len(commands) == 1) == (pops < queues.SHIFT)
    assert taken == [number >= pops for number in seen]
    left = [number for number in seen if number >= pops]
    # Beyond queues.SHIFT they come in two parts: those still near where they were seen, and those looked for.
    assert (numbers_in(side, "queue:other") if pops != 300 else sorted(numbers_in(side, "queue:other"))) == left
    assert numbers_in(side, "queue:default") == sorted(set(range(pops, 2_000 + pushes)) - set(left))


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("sent", [False, True], ids=["before it is sent", "after it was sent"])
@pytest.mark.parametrize("good", [0, 2, 3, 4, 5])
@pytest.mark.parametrize("kind", ["queue", "set"])
def test_a_crash_between_batches_loses_nothing_and_the_verb_can_be_repeated(
    side: Side, kind: str, good: int, sent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for verb in ("kill_all", "move_to", "retry_all" if kind == "set" else "reschedule_all"):
        side.server.flushall()
        fill_queue(side, range(320)) if kind == "queue" else fill_set(side, numbers=range(320))
        selection = (side.Queue() if kind == "queue" else side.RetrySet()).where(klass="Odd")
        with monkeypatch.context() as patch:
            lines = Lines(patch, good, sent=sent)
            with suppress(Crash):
                side.run(getattr(selection, verb)(*SET_VERBS[verb]))
            assert lines.left < 0 or good > 3
        assert everywhere(side) == Counter(range(320))
        side.run(getattr(selection, verb)(*SET_VERBS[verb]))
        assert everywhere(side) == Counter(range(320))
        assert side.run(selection.count()) == 0
