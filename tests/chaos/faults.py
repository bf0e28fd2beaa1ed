"""The faults, and how many of each a plot's deck holds."""

import random
from collections.abc import Callable
from typing import NamedTuple

from teep import Queue
from teep.wire import keys
from teep.wire.scripts.script import load
from tests.chaos.kinds import QUEUES
from tests.chaos.stage import Plot, Stage
from tests.chaos.worker import EXPIRY

# Whose refusal moves nothing. Others end nothing: what cannot be counted stays uncounted, and a lock that cannot be
# deleted stays until its time is over.
_REFUSED = ("zadd", "zrem", "lpush", "rpush", "lrem", "ltrim", "hset", "set", "hdel")
Fault = Callable[[Stage, random.Random], None]


class Step(NamedTuple):
    """A fault, the seconds before it, and the seed of what it draws."""

    pause: float
    name: str
    seed: str


def kill_worker(stage: Stage, chance: random.Random) -> None:
    """Kill a worker, and start another one."""
    stage.crew.kill(stage.crew.any_one(chance))
    stage.crew.start()


def stop_worker(stage: Stage, chance: random.Random) -> None:
    """Stop a worker in an orderly way while another one starts, as a deployment does."""
    stage.crew.stop(stage.crew.any_one(chance))
    stage.crew.start()


def interrupt_worker(stage: Stage, chance: random.Random) -> None:
    """Press Ctrl-C twice, and start another worker."""
    stage.crew.interrupt(stage.crew.any_one(chance))
    stage.crew.start()


def freeze_worker(stage: Stage, chance: random.Random) -> None:
    """Let a worker stand still until the others have given it up."""
    actor = stage.crew.eldest()
    stage.crew.freeze(actor)
    stage.later(EXPIRY + chance.uniform(1.0, 2.0), lambda: stage.crew.thaw(actor))


def crash_server(stage: Stage, chance: random.Random) -> None:
    """Kill the server, and start it again from its append-only file."""
    stage.crash_server(chance.uniform(0.0, 0.5))


def stall_server(stage: Stage, chance: random.Random) -> None:
    """Let the server stand still for a second."""
    stage.stall_server(chance.uniform(0.8, 1.2))


def cut_connections(stage: Stage, _chance: random.Random) -> None:
    """Cut every connection but those of replicas and of this one."""
    stage.timeline.note("CLIENT KILL everyone")
    stage.server.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


def lose_answers(stage: Stage, chance: random.Random) -> None:
    """Carry out a few requests whose answers do not get through."""
    assert stage.proxy is not None
    names = chance.sample(("running/exchange", "step", "running/give_back"), 2)
    stage.timeline.note(f"the proxy loses answers to {' and '.join(names)}")
    for name in names:
        stage.proxy.lose_answer(load(name).sha.encode(), times=3)


def slow_network(stage: Stage, chance: random.Random) -> None:
    """Delay everything that goes through the proxy, for a while."""
    proxy = stage.proxy
    assert proxy is not None
    proxy.delay = chance.uniform(0.005, 0.05)
    stage.timeline.note(f"the proxy delays by {proxy.delay:.3f} s")

    def end() -> None:
        proxy.delay = 0.0

    stage.later(chance.uniform(0.5, 1.5), end)


def refuse_command(stage: Stage, chance: random.Random) -> None:
    """Have one of the commands refused that move jobs, or keep what goes along with them."""
    stage.refuse_command(chance.choice(_REFUSED), chance.uniform(0.3, 1.0))


def replace_key(stage: Stage, chance: random.Random) -> None:
    """Let a key that holds jobs be another program's for a while."""
    key = chance.choice((keys.retry(), keys.schedule(), keys.dead(), *map(keys.queue, QUEUES)))
    stage.replace_key(key, chance.uniform(0.2, 0.8))


def pause_queue(stage: Stage, chance: random.Random) -> None:
    """Pause a queue for a while."""
    name = chance.choice(QUEUES)
    Queue(name, config=stage.config).pause()
    stage.timeline.note(f"{name} is paused")

    def end() -> None:
        Queue(name, config=stage.config).unpause()
        stage.timeline.note(f"{name} goes on")

    stage.later(chance.uniform(0.3, 1.0), end)


def fail_over(stage: Stage, _chance: random.Random) -> None:
    """Swap primary and replica, as an operator does."""
    assert stage.sentinel is not None
    with stage.timeline.spanned(stage.timeline.failovers):
        stage.timeline.note("an orderly failover begins")
        new = stage.sentinel.failover()
        stage.timeline.note(f"{new.port} is the primary")


def crash_primary(stage: Stage, _chance: random.Random) -> None:
    """Kill the primary; its replica is promoted, and it comes back as a replica."""
    assert stage.sentinel is not None
    with stage.timeline.spanned(stage.timeline.failovers):
        stage.timeline.note("SIGKILL the primary")
        new = stage.sentinel.crash_primary()
        stage.timeline.note(f"{new.port} is the primary")
    stage.sentinel.revive_replica()


_DECKS: dict[Plot, dict[Fault, int]] = {
    "server": {
        kill_worker: 4,
        stop_worker: 1,
        interrupt_worker: 1,
        freeze_worker: 1,
        crash_server: 1,
        stall_server: 1,
        cut_connections: 1,
        lose_answers: 1,
        slow_network: 1,
        refuse_command: 1,
        pause_queue: 1,
        replace_key: 1,
    },
    "sentinel": {
        kill_worker: 2,
        stop_worker: 1,
        interrupt_worker: 1,
        fail_over: 1,
        crash_primary: 1,
        cut_connections: 1,
        pause_queue: 1,
        replace_key: 1,
    },
}
BY_NAME: dict[str, Fault] = {fault.__name__: fault for deck in _DECKS.values() for fault in deck}


def schedule(plot: Plot, seed: int, rounds: int) -> list[Step]:
    """Draw the steps of a scenario: the plot's deck, shuffled anew for each round."""
    chance = random.Random(f"faults of {plot} {seed}")
    names: list[str] = []
    for _ in range(rounds):
        deck = [fault.__name__ for fault, count in _DECKS[plot].items() for _ in range(count)]
        chance.shuffle(deck)
        names += deck
    if plot == "server":
        # What these two break stays broken, where no worker is killed for it.
        names += [lose_answers.__name__, crash_server.__name__]
    return [
        Step(chance.uniform(0.05, 0.6), name, f"{plot} {seed} {place} {name}") for place, name in enumerate(names)
    ]
