"""A shop's periodic jobs, limits and history, as pictures show them."""

import json
import random
import time
from collections import deque
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

import teep
from teep.config import overridden
from teep.schedules import schedule_of
from teep.store.periodic.ticks import jid_of
from tests.support.sampling import sampled
from tests.support.servers import Server

# Name, schedule, zone, class, arguments, and the outcomes of its last runs, the latest first.
ENTRIES: list[tuple[str, str, str, str, list[Any], str]] = [
    ("catalogue", "*/15 * * * *", "", "app.jobs.ImportProducts", ["s3://catalogue/today.csv"],
     "queued overlap done done done dead done done done"),
    ("monthly-summary", "0 6 1 * *", "Europe/Berlin", "app.reports.MonthlySummary", [], "done done done"),
    ("payouts", "30 17 * * 1-5", "America/New_York", "Billing::PayoutJob", [], "done done missed done"),
    ("prices", "@every 10m", "", "app.jobs.SyncInventory", ["Berlin"], "done done done done done done"),
    ("reminders", "0 9 * * *", "Europe/Berlin", "app.jobs.SendInvoice", [{"kind": "reminder"}], "done done done"),
]  # fmt: skip


def keep(store: Server, config: teep.Config) -> None:
    """Write all of them."""
    _periodic(store, config)
    _limits(store, config)


def _periodic(store: Server, config: teep.Config) -> None:
    """Create them as if that had been a season ago; a run is over in a quarter of a minute."""
    entries, now = teep.PeriodicSet(config=config), time.time()
    since = now // 3600 * 3600 - 100 * 86_400
    for name, schedule, tz, klass, args, outcomes in ENTRIES:
        entries.create(name, schedule, klass, *args, tz=tz or None)
        entry = json.loads(store.command("HGET", "teep:periodic", name))
        entry |= {"created": since, "since": since, "source": "dynamic" if name == "prices" else "static"}
        store.client.hset("teep:periodic", name, json.dumps(entry))
        states = outcomes.split()
        after = since if name == "monthly-summary" else now - 8 * 86_400
        past = takewhile(lambda tick: tick < now, schedule_of(schedule, tz, name).ticks(after, since))
        ticks = list(deque(past, len(states)))
        store.client.hset("teep:periodic:last", name, ticks[-1])
        for tick, state in zip(reversed(ticks), states, strict=True):
            ended = "" if state == "queued" else f" {tick + 14}"
            store.client.hset(f"teep:periodic:runs:{name}", jid_of(name, tick), f"{tick} {tick} {state}{ended}")
    entries.pause("reminders")


def _limits(store: Server, config: teep.Config) -> None:
    limits = teep.limits
    with overridden(config):
        for limit, used in (
            (limits.bucket("bank.transfers", 100, per="minute"), 38),
            (limits.leaky("shopify", 40, per="minute"), 36),
            (limits.window("mail", 500, per="minute"), 212),
            (limits.points("search", 1000, refill=50), 640),
        ):
            with limit.within_limit(**{"estimate" if limit.kind == "points" else "used": used}):
                pass
    limiters = {limiter.name: limiter for limiter in teep.LimiterSet(config=config)}
    limiters["bank.transfers"].set_limit(60)
    limiters["mail"].pause(240)


def record(config: teep.Config) -> None:
    """Write a day of history, with an hour in which no process led."""
    chance, now = random.Random(3), datetime.now(UTC).replace(second=30, microsecond=0)
    processed = failed = 0
    for back in [*range(24 * 60, 60, -5), *range(60, -1, -1)]:
        at, step = now - timedelta(minutes=back), 5 if back > 60 else 1
        if 300 < back <= 400:
            continue
        rush = 1 + 0.6 * (at.hour in range(8, 20)) + chance.random() / 5
        processed, failed = processed + int(600 * rush * step), failed + chance.randrange(6) * step
        sizes = {
            "default": 900 * rush,
            "mailers": 200 * rush,
            "imports": 60,
            "low": 4000 * rush,
            "reports": 9,
            "critical": 3,
        }
        queues = {name: (int(size), 0.02 * size) for name, size in sizes.items()}
        carts = {"carts open": round(400 * rush), "stock value": 81_000 + back * 3}
        enqueued = sum(size for size, _ in queues.values())
        busy = min(int(14 * rush), 34)
        sampled(
            config, at, queues, carts, processed=processed, failed=failed, enqueued=enqueued, busy=busy, retries=217
        )
