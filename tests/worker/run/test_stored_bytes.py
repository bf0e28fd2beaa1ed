"""A job that comes again, or is buried, is as it was stored, whatever was done to the payload that its run had."""

import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any

import pytest

import teep
from teep.middleware import around
from teep.wire import payload
from tests.worker.fleet import SOON, Fleet

pytestmark = pytest.mark.usefixtures("own_registry")

_ARGS = [[1, 2, 3], {"id": 7, "lines": [{"sku": "a"}]}]
Change = Callable[[dict[str, Any]], object]
# What may be done to a payload, its lists and its dicts.
_CHANGES: dict[str, Change] = {
    "pops an item": lambda item: item["args"][0].pop(),
    "changes what lies deep": lambda item: item["args"][1]["lines"][0].update(sku=None),
    "empties the arguments": lambda item: item["args"].clear(),
    "makes them no JSON": lambda item: item["args"].__setitem__(0, {object()}),
    "makes them hold themselves": lambda item: item["args"][0].append(item["args"]),
    "empties the payload": lambda item: item.clear(),
    "takes other options": lambda item: item.update(retry=False, dead=False, backtrace=True, queue="x", jid=5),
    "takes names that are none": lambda item: item.update({"": 5, "class": object()}),
}


def _run(fleet: Fleet, config: teep.Config, count: int = 1) -> None:
    worker = fleet.start(config)
    fleet.wait_until_processed(count)
    worker.stop()


def _as_pushed(after: dict[str, Any], before: dict[str, Any]) -> bool:
    return after.items() >= {**before, "enqueued_at": after["enqueued_at"]}.items()


def _changing(fleet: Fleet, change: Change, **options: Any) -> teep.Config:
    """Return a configuration whose server middleware changes the payload before and after the run."""
    config = fleet.configure(concurrency=1, **options)

    @around
    def changed(job: dict[str, Any]) -> Any:
        return _Changed(job, change)

    config.server_middleware.add(changed)
    return config


class _Changed:
    def __init__(self, job: dict[str, Any], change: Change) -> None:
        self._job = job
        self._change = change

    def __enter__(self) -> None: ...

    def __exit__(self, *_exc_info: object) -> None:
        self._change(self._job)


@pytest.mark.parametrize("change", _CHANGES)
@pytest.mark.parametrize(("retry", "key"), [(3, "retry"), (0, "dead")])
def test_what_middleware_makes_of_the_payload_is_not_what_is_retried_or_buried(
    valkey_fleet: Fleet, change: str, retry: int, key: str
) -> None:
    @teep.job(name="fail", retry=retry)
    def fail(*_args: Any) -> None:
        raise OSError("as intended")

    config = _changing(valkey_fleet, _CHANGES[change])
    deaths: SimpleQueue[dict[str, Any]] = SimpleQueue()
    config.death_handlers.append(lambda job, _error: deaths.put(job))
    valkey_fleet.push("fail", *_ARGS, retry=retry, mine="kept")
    before = payload.parse(valkey_fleet.queue()[0])
    _run(valkey_fleet, config)
    after = valkey_fleet.failed_payload(key)
    assert _as_pushed(after, before)
    assert after["error_message"] == "as intended"
    assert valkey_fleet.counters() == (1, 1)
    if key == "dead":
        assert _as_pushed(deaths.get(timeout=SOON), before)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_job_may_use_up_its_arguments(valkey_fleet: Fleet, is_async: bool) -> None:
    def use_up(items: list[int], order: dict[str, Any], *, also: list[int]) -> None:
        items.clear()
        order["last"] = also.pop()
        teep.current_job().payload["args"].clear()  # type: ignore[union-attr]
        raise OSError("as intended")

    async def ause_up(items: list[int], order: dict[str, Any], *, also: list[int]) -> None:
        use_up(items, order, also=also)

    job = teep.job(name="use_up")(ause_up if is_async else use_up)
    valkey_fleet.push_raw(payload.serialise(job._definition.to_payload((*_ARGS,), {"also": [4]}) | {"jid": "a"}))
    _run(valkey_fleet, valkey_fleet.configure())
    after = valkey_fleet.failed_payload()
    assert (after["args"], after["kwargs"]) == (_ARGS, {"also": [4]})


@pytest.mark.parametrize("change", _CHANGES)
@pytest.mark.parametrize("name", ["retry_in", "retries_exhausted"])
def test_what_the_jobs_own_code_does_to_the_payload_is_not_stored(
    valkey_fleet: Fleet, change: str, name: str
) -> None:
    def asked(*given: Any) -> None:
        _CHANGES[change](next(part for part in given if isinstance(part, dict)))

    code: dict[str, Any] = {name: asked}

    @teep.job(name="fail", **code)
    def fail(*_args: Any) -> None:
        raise OSError("as intended")

    retry = 3 if name == "retry_in" else 0
    valkey_fleet.push("fail", *_ARGS, retry=retry)
    before = payload.parse(valkey_fleet.queue()[0])
    _run(valkey_fleet, valkey_fleet.configure())
    assert _as_pushed(valkey_fleet.failed_payload("retry" if retry else "dead"), before)


@pytest.mark.parametrize("change", _CHANGES)
@pytest.mark.parametrize("fails", [False, True])
def test_an_iterable_job_comes_again_as_it_was_pushed(valkey_fleet: Fleet, change: str, fails: bool) -> None:
    class Walk(teep.IterableJob, name="walk", max_iteration_runtime=0.01):
        def build_enumerator(self, *_args: Any, cursor: int | None) -> Iterator[tuple[int, int]]:
            return self.array_enumerator(range(3), cursor=cursor)

        def each_iteration(self, _number: int, items: list[int], _order: dict[str, Any]) -> None:
            items.append(4)
            if fails:
                raise OSError("as intended")
            assert is_bound.wait(SOON)
            worker.quiet()

    config, is_bound = _changing(valkey_fleet, _CHANGES[change]), threading.Event()
    jid = valkey_fleet.push("walk", *_ARGS)
    before = payload.parse(valkey_fleet.queue()[0])
    worker = valkey_fleet.start(config)
    is_bound.set()
    valkey_fleet.wait_until_processed(1)
    worker.stop()
    after = valkey_fleet.failed_payload() if fails else payload.parse(valkey_fleet.queue()[0])
    assert _as_pushed(after, before)
    assert valkey_fleet.server.command("EXISTS", f"it-{jid}") == 1


def test_an_iterable_job_that_is_over_leaves_no_place_whatever_its_jid_became(valkey_fleet: Fleet) -> None:
    class Walk(teep.IterableJob, name="walk"):
        def build_enumerator(self, *, cursor: int | None) -> Iterator[tuple[int, int]]:
            return self.array_enumerator(range(3), cursor=cursor)

        def each_iteration(self, _number: int) -> None: ...

    valkey_fleet.push("walk")
    _run(valkey_fleet, _changing(valkey_fleet, dict.clear))
    assert valkey_fleet.server.command("KEYS", "it-*") == []


def test_a_unique_job_gives_its_lock_back_whatever_became_of_its_payload(valkey_fleet: Fleet) -> None:
    @teep.job(name="once")
    def once() -> None: ...

    for runs in (1, 2):
        assert valkey_fleet.client.push({"class": "once", "args": [], "unique_for": 60})
        _run(valkey_fleet, _changing(valkey_fleet, dict.clear), runs)
    assert valkey_fleet.server.command("KEYS", "unique:*") == []


def test_a_job_on_its_last_chance_lets_the_next_one_run_whatever_became_of_its_payload(valkey_fleet: Fleet) -> None:
    @teep.job(name="suspect")
    def suspect() -> None: ...

    config = _changing(valkey_fleet, dict.clear)
    worker = valkey_fleet.start(config)
    for runs in (1, 2):
        valkey_fleet.push_raw(payload.serialise({"class": "suspect", "args": [], "jid": f"{runs}", "rescues": 2}))
        valkey_fleet.wait_until_processed(runs)
    worker.stop()
    assert valkey_fleet.members("schedule") == []
