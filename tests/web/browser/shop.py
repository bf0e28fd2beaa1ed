"""A shop's fleet, as pictures show it: processes, jobs in every place, errors, metrics and a month of days."""

import hashlib
import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

import teep
from tests.support.servers import Server
from tests.web.browser import releases, timetable
from tests.web.fleet.fleet import RUBY, beat, capsule
from tests.web.test_metrics import left_profile, ran

HOUR, DAY = 3600, 86_400

# Class, queue, and the arguments of a job of it.
CLASSES: dict[str, tuple[str, Any]] = {
    "app.jobs.SendInvoice": ("mailers", lambda n: [48_000 + n, "ann@example.com"]),
    "app.jobs.ChargeCard": ("critical", lambda n: [71_000 + n, {"amount": 4990 + n % 90, "currency": "EUR"}]),
    "app.jobs.ResizeImage": ("default", lambda n: [f"products/{9_000 + n}.jpg", [320, 640, 1280]]),
    "app.jobs.SyncInventory": ("default", lambda n: [["Berlin", "Hanoi", "Lyon"][n % 3], 5_000 + n]),
    "app.jobs.ImportProducts": ("imports", lambda n: [f"s3://catalogue/{n % 40:03}.csv"]),
    "app.jobs.UpdateSearchIndex": ("default", lambda n: ["product", 9_000 + n]),
    "app.reports.MonthlySummary": ("reports", lambda n: [2026, 1 + n % 12]),
    "Billing::PayoutJob": ("billing", lambda n: [3_300 + n]),
}

# How often a group of errors comes, the class of its jobs, the error, and its message.
Group = tuple[int, str, str, str]

ERRORS: list[Group] = [
    (48, "app.jobs.SendInvoice", "smtplib.SMTPServerDisconnected", "Connection unexpectedly closed"),
    (21, "app.jobs.ChargeCard", "app.payments.GatewayTimeout", "no answer from the gateway after {n} ms"),
    (13, "app.jobs.SyncInventory", "httpx.ConnectTimeout", "timed out: https://warehouse.example.com/stock/{n}"),
    (8, "app.jobs.ImportProducts", "KeyError", "'gtin'"),
    (5, "app.jobs.ResizeImage", "PIL.UnidentifiedImageError", "cannot identify image file 'products/{n}.jpg'"),
    (3, "Billing::PayoutJob", "Stripe::RateLimitError", "Request rate limit exceeded"),
    (2, "app.jobs.UpdateSearchIndex", "app.search.IndexLocked", "index products is being rebuilt"),
]

# A bad night: a shop's warehouse, mail server and bank are away, and forty things fail at once.
NIGHT: list[Group] = [
    (40 - place if place else 400, klass, error, f"{message} {place:02}" if place > 6 else message)
    for place, (klass, (_, _, error, message)) in enumerate(
        (klass, ERRORS[(place + round_) % 7]) for round_ in range(5) for place, klass in enumerate(CLASSES)
    )
]

LETTER, LATER = 99_000_000, 70_000_000
"""The numbers of the failed job whose page is shown, and of the first that is scheduled."""

BACKTRACE = [
    "/srv/shop/app/jobs/send_invoice.py:31:in 'perform'",
    "/srv/shop/app/mail.py:88:in 'deliver'",
    "/usr/lib/python3.13/smtplib.py:398:in 'getreply'",
]


def jid(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()[:24]


def job(klass: str, number: int, **fields: Any) -> dict[str, Any]:
    """A job of one of the classes, pushed some minutes ago."""
    queue, args = CLASSES[klass]
    pushed = int((time.time() - 600 - number % 900) * 1000)
    own = {
        "class": klass,
        "args": args(number),
        "queue": queue,
        "jid": jid(number),
        "retry": True,
        "created_at": pushed,
    }
    return own | fields


def failed(number: int, groups: Sequence[Group], cumulated: Sequence[int], now: float) -> tuple[str, float]:
    """A job that has failed, of one of the groups by their frequency, and when it is tried again."""
    chance = random.Random(number)
    (_, klass, error, message), *_ = chance.choices(groups, cum_weights=cumulated)
    tries = chance.randrange(4)
    at = int((now - chance.randrange(1, HOUR)) * 1000)
    told = {
        "error_class": error, "error_message": message.format(n=chance.randrange(100, 9000)), "retry_count": tries,
        "failed_at": at, "enqueued_at": at - 900,
    }  # fmt: skip
    if tries:
        told["retried_at"] = at + min(60_000, (int(now * 1000) - at) // 2)
    tags = ["eu"] if number % 3 else ["eu", "priority"]
    return json.dumps(job(klass, number, tags=tags, **told)), now + 20 + chance.randrange(tries * 700 + 300)


def fill_failed(
    store: Server, key: str, count: int, groups: Sequence[Group], first: int = 0, later: float = 0
) -> None:
    """Put failed jobs into a set, by ten thousand a round trip."""
    now, cumulated = time.time() + later, list(accumulate(group[0] for group in groups))
    for start in range(first, first + count, 10_000):
        numbers = range(start, min(start + 10_000, first + count))
        store.client.zadd(key, dict(failed(number, groups, cumulated, now) for number in numbers))


def populate(store: Server, config: teep.Config, retries: int = 216, groups: Sequence[Group] = ERRORS) -> None:
    """Put a shop's fleet into Redis."""
    now = time.time()
    beat_all(store)
    _queues(store, now)
    fill_failed(store, "retry", retries, groups)
    fill_failed(store, "dead", 17, ERRORS[3:6], 50_000_000, later=-3 * HOUR)
    store.client.zadd("retry", {json.dumps(letter(now)): now + 12})
    later = {json.dumps(job("app.reports.MonthlySummary", LATER + n)): now + n * HOUR + 900 for n in range(6)}
    later |= {json.dumps(job("app.jobs.SendInvoice", LATER + 100 + n)): now + 300 + n * 47 for n in range(38)}
    store.client.zadd("schedule", later)
    _past(store, config)
    timetable.keep(store, config)
    releases.keep(store, config)
    left_profile(
        store, "ann-5f3c", type="app.jobs.ImportProducts", token="ann", jid=jid(7), started_at=int(now - 2000),
        elapsed=71.8, size=412_000,
    )  # fmt: skip


def letter(now: float) -> dict[str, Any]:
    """Return the failed job whose page is shown."""
    at = int((now - 1800) * 1000)
    times = {"created_at": at - 52_000, "enqueued_at": at - 300, "failed_at": at, "retried_at": at + 1_400_000}
    _, klass, error, message = ERRORS[0]
    told = {"error_class": error, "error_message": message, "error_backtrace": BACKTRACE, "retry_count": 2}
    lines = [["Desk lamp", 2], ["Chair", 1]]
    args = [48_213, {"to": "ann@example.com", "total": 12345678901234567890, "lines": lines}]
    context = {"tenant": "berlin", "locale": "de"}
    return job(klass, LETTER, tags=["eu", "priority"], args=args, cattr=context) | times | told


def beat_all(store: Server) -> None:
    """Have every process send a heartbeat."""
    now = time.time()
    web = {
        "default": capsule("critical", "default", "mailers", concurrency=10),
        "imports": capsule("imports", concurrency=2),
    }
    low = {"default": capsule("default", "low", concurrency=10, mode="weighted", weight=2)}
    started = {"started_at": now - 3 * DAY - 7000}
    long = job("app.jobs.ImportProducts", 7, queue="imports", run_at=int(now - 754))
    running = [job([*CLASSES][n % 4], n, run_at=int(now - 1 - n % 9)) for n in range(100, 118)]
    teeps = {"version": f"teep {teep.__version__}", "concurrency": 12}
    beat(store, "worker-1:412:aaaa", [long, *running[:8]], info={"capsules": web, **teeps, **started}, rss=214_000)
    beat(store, "worker-2:398:bbbb", running[8:15], info={"capsules": web, **teeps, **started}, rss=207_000)
    spot = {"capsules": low, **teeps, **started, "labels": ["spot"], "concurrency": 10}
    beat(store, "worker-3:377:cccc", running[15:], info=spot, rss=98_000)
    old = {"capsules": low, "version": "teep 0.0.9", "started_at": now - 9 * DAY, "concurrency": 10}
    beat(store, "worker-3:351:dddd", info=old, quiet="true", rss=91_000)
    ruby = {"tag": "billing", "started_at": now - 20 * DAY, "weights": [{"billing": 1}], "queues": ["billing"]}
    payouts = [job("Billing::PayoutJob", 130, run_at=int(now - 3))]
    beat(store, "billing-1:77:eeee", payouts, info={**RUBY, **ruby}, rss=158_000, rtt_us=240)
    store.client.set("dear-leader", "worker-1:412:aaaa")
    store.client.hset(f"it-{jid(7)}", mapping={"ex": 3, "rt": 754.2, "c": '["row",18400]'})


def _queues(store: Server, now: float) -> None:
    sizes = {"default": 1284, "mailers": 312, "imports": 61, "low": 4820, "critical": 3, "billing": 0, "reports": 9}
    store.client.sadd("queues", *sizes)
    store.client.sadd("paused", "low")
    for name, size in sizes.items():
        classes = [klass for klass, (queue, _) in CLASSES.items() if queue == name] or [*CLASSES][2:6]
        for start in range(0, size, 1000):
            numbers = range(start, min(start + 1000, size))
            store.client.lpush(f"queue:{name}", *_waiting(name, classes, numbers, now))


def _waiting(name: str, classes: list[str], numbers: range, now: float) -> Iterator[str]:
    for number in numbers:
        klass = classes[number * 7 % len(classes)] if number % 5 else classes[0]
        at = int((now - 41 + number * 0.03) * 1000)
        yield json.dumps(job(klass, 1000 + number, queue=name, enqueued_at=at, created_at=at, tags=["eu"]))


def _past(store: Server, config: teep.Config) -> None:
    """Write a month of days, and two hours of metrics with a deploy."""
    now, chance = datetime.now(UTC), random.Random(11)
    counts: dict[str, Any] = {"stat:processed": 48_213_077, "stat:failed": 61_804}
    for back in range(60):
        day = now - timedelta(days=back)
        busy = (0.55 if day.weekday() > 4 else 1) * (0.4 if back == 0 else 1)
        done = int(busy * (410_000 + chance.randrange(60_000) - back * 1500))
        counts[f"stat:processed:{day:%Y-%m-%d}"] = done
        counts[f"stat:failed:{day:%Y-%m-%d}"] = int(done * (0.004 if back == 2 else 0.001))
    store.client.mset(counts)
    seconds = dict(zip(CLASSES, (0.12, 0.31, 1.4, 0.22, 41.0, 0.05, 18.0, 0.4), strict=True))
    for minute in range(120):
        ran(config, now - timedelta(minutes=minute), **_minute(seconds, minute, chance))
    teep.Deploy(config=config).mark("v214 faster thumbnails", now - timedelta(minutes=25))


def _minute(seconds: Mapping[str, float], minute: int, chance: random.Random) -> dict[str, tuple[int, float, int]]:
    found = {}
    for place, (klass, each) in enumerate(seconds.items()):
        slower = 1.9 if klass == "app.jobs.ResizeImage" and minute > 25 else 1
        runs = max(int(chance.gauss(60 / (place + 1), 7 / (place + 1))), 0) if each < 10 else chance.randrange(2)
        found[klass] = (runs, each * slower * chance.uniform(0.8, 1.3), int(chance.random() < 0.1))
    return found
