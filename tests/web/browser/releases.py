"""A shop's batches and workflows, as pictures show them."""

import json
from collections.abc import Sequence
from typing import Any

import teep
from teep.config import driver_for
from teep.store import batches
from tests.support.servers import Server

QUEUE = "releases"

BATCH, WORKFLOW = "01a2290c5e7f" + "b" * 12, "01a2290c5e7f" + "f" * 12
"""The bids of those that have a picture of their own."""

# Description, tags, jobs, and of these how many have succeeded, were discarded, are dead, and fail.
BATCHES: list[tuple[str, list[str], int, tuple[int, int, int, int]]] = [
    ("invoices of november", ["billing"], 480, (480, 0, 0, 0)),
    ("newsletter 2026-48", ["mail"], 2_400, (1_812, 3, 0, 41)),
    ("thumbnails of the autumn collection", [], 900, (212, 0, 0, 2)),
    ("prices from the warehouse", ["eu", "night"], 120, (117, 0, 3, 0)),
    ("import catalogue 2026-11-29", ["eu", "catalogue"], 1_200, (700, 60, 11, 30)),
]


def keep(store: Server, config: teep.Config) -> None:
    """Write all of them."""
    for description, tags, jobs, ends in BATCHES:
        batch = teep.Batch(config=config, description=description, tags=tags)
        if description == BATCHES[-1][0]:
            batch.bid = BATCH
        _fill(store, batch, jobs, ends)
    _workflow(store, config)


def _fill(store: Server, batch: teep.Batch, jobs: int, ends: tuple[int, ...]) -> None:
    config = batch.config
    batch.on("success", "app.jobs.UpdateSearchIndex", "all").on("finish", "app.reports.ImportReport", jobs)
    batch.on("death", "app.jobs.CallOperator", jobs)
    with batch.jobs():
        args = [[f"s3://catalogue/{number:04}.csv"] for number in range(jobs)]
        teep.Client(config).push_bulk({"class": "app.jobs.ImportProducts", "args": args, "queue": QUEUE})
    raws = [raw for raw in store.command("LRANGE", f"queue:{QUEUE}", 0, -1) if batch.bid.encode() in raw]
    jids = [json.loads(raw)["jid"] for raw in raws]
    done, discarded, dead, failing = ends
    _end(config, batch.bid, jids[:done], "done")
    _end(config, batch.bid, jids[done : done + discarded], "deleted")
    _end(config, batch.bid, jids[done + discarded :][:dead], "dead")
    if failed := jids[done + discarded + dead :][:failing]:
        store.client.sadd(f"{{teep:batch:{batch.bid}}}:failed", *failed)
    store.client.delete(f"queue:{QUEUE}")


def _end(config: teep.Config, bid: str, jids: Sequence[str], how: Any, node: str | None = None) -> None:
    for start in range(0, len(jids), 200):
        parts = [batches.ended(bid, jid, how, node=node) for jid in jids[start : start + 200]]
        driver_for(config).run(batches.act(*parts))


def _step(name: str) -> Any:
    return teep.job(name=f"app.catalogue.{name}", queue=QUEUE)(lambda: None).s()


def _workflow(store: Server, config: teep.Config) -> None:
    """A catalogue on its way to the shops: some parts of it have failed, and two nodes wait for the rest."""
    flow = teep.Workflow("catalogue of 2026-11-29", config=config, tags=["catalogue"])
    flow.bid = WORKFLOW
    fetch = flow.add("fetch", _step("Fetch"))
    parse = flow.add_many("parse", [_step("Parse")] * 6, after=fetch)
    images = flow.add_many("images", [_step("Resize")] * 3, after=fetch)
    prices = flow.add("check prices", _step("CheckPrices"), after=parse, when="skip")
    index = flow.add("search index", _step("Index"), after=[prices, images])
    flow.add("warm caches", _step("WarmCaches").set(wait=60), after=index)
    flow.add("tell the shops", _step("TellShops"), after={index: "hold", prices: "stop"})
    flow.add("clean up", _step("CleanUp"), after=[fetch, index], when="always")
    flow.start()
    ends = {"fetch": "done", "parse.4": "deleted", "parse.5": "dead", "images.1": "done"}
    ends |= {f"parse.{number}": "done" for number in (1, 2, 3)}
    status = teep.WorkflowStatus(flow.bid, config=config)
    for name in sorted(ends, key=lambda name: name != "fetch"):
        _end(config, flow.bid, [status.node(name).jid], ends[name], name)
    store.client.sadd(f"{{teep:batch:{flow.bid}}}:failed", status.node("images.2").jid)
    store.client.delete(f"queue:{QUEUE}")
    store.client.srem("queues", QUEUE)
