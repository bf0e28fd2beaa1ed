"""teep's jobs of this part: the program that a worker imports, and by which they are started."""

import json
import time
from collections.abc import Sequence

import teep
from bench.systems import work

stamp = teep.job(name="Stamp")(work.stamp)
noop = teep.job(name="Noop")(work.noop)


@teep.job(name="Kept", keep_result=60)
def kept(number: int) -> int:
    """Write down when it runs, and return its number."""
    work.stamp(number)
    return number


@teep.job(name="Relay")
def relay(number: int, last: int) -> None:
    """Write down when it runs, and push the next one."""
    work.stamp(number)
    if number < last:
        relay.perform_async(number + 1, last)


def one(job: str, _number: int) -> None:
    """Start what a word such as "chain-1000" says."""
    kind, _, size = job.partition("-")
    if kind == "chain":
        teep.chain(*(stamp.s(step) for step in range(int(size)))).start()
    elif kind == "relay":
        relay.perform_async(0, int(size) - 1)
    else:
        _layers(int(size)).start()


def bulk(_job: str, calls: Sequence[Sequence[int]]) -> None:
    """Push jobs that only mark that they run."""
    noop.perform_bulk(calls)


def _layers(size: int) -> "teep.Workflow":
    """Return a workflow of so many layers of as many jobs, each of which waits for all of the layer before it."""
    workflow, before = teep.Workflow("layers"), None
    for layer in range(size):
        some = [stamp.s(layer * size + number) for number in range(size)]
        before = workflow.add_many(f"layer-{layer}", some, after=before)
    return workflow


def main(pushes: int, pause: float) -> None:
    """Push jobs that keep their results, wait for each, and print when each was pushed and when its result came."""
    moments: list[tuple[int, int]] = []
    for number in range(pushes):
        pushed = time.monotonic_ns()
        if teep.result(kept.perform_async(number)).get(60) != number:
            raise RuntimeError(f"the result of job {number} is another one")
        moments.append((pushed, time.monotonic_ns()))
        time.sleep(pause)
    print(json.dumps(moments))
