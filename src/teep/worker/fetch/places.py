"""The places where the iterable jobs of a batch begin, read for all at once. Most begin at their first item."""

from collections.abc import Sequence

from teep.clock import monotonic
from teep.drivers import Driver
from teep.errors import RedisError
from teep.job import definition
from teep.store.running import iteration
from teep.store.running.iteration import NEVER_RAN
from teep.worker.fetch.unit import UnitOfWork


def read(driver: Driver, jobs: Sequence[UnitOfWork]) -> None:
    """Note the place where each iterable job of a batch begins.

    One round trip, and one more if any has begun; none if fewer than two are iterable. A job whose place is not noted
    reads it itself when it starts. That read also reports it if Redis fails.
    """
    if not definition.any_iterable() or len(jobs) < 2:
        return
    by_jid = {job.jid: job for job in jobs if job.is_iterable}
    jids = [jid for jid in by_jid if jid]
    if len(jids) < 2:
        return
    asked = monotonic()
    try:
        begun = driver.run(iteration.begun(jids))
    except RedisError:
        return
    for jid in jids:
        by_jid[jid].begin_at(begun.get(jid, NEVER_RAN), asked)
