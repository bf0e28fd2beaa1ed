"""The long tour: the data API, call by call.

Each section is source that is both shown and run. The names in it: `teep`, the job `analyse`, `paths` (the standard
library's files), `broken` (a file that cannot be parsed), `marker` (the file that keeps the `watch` jobs running),
`mend` and `wait_until`.
"""

from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

import teep
from teep.demo.api.show import Typist, heading, introduce
from teep.demo.files import mend
from teep.demo.jobs import analyse
from teep.demo.waiting import Witness


class Section(NamedTuple):
    """A part of the tour: its title, one line on its subject, and the source that is typed."""

    title: str
    line: str
    code: str


SECTIONS = (
    Section(
        "A job, and its JSON",
        "One more job, in a queue that no worker serves. `value` is the JSON in Redis.",
        """
        jid = analyse.set(queue="tour").perform_async(paths[0])
        job = teep.Queue("tour").first()
        job.value
        job.klass, job.tags
        str(job.created_at)
        """,
    ),
    Section(
        "Stats",
        "Counters and sizes of the whole fleet, live.",
        """
        stats = teep.Stats()
        stats.processed, stats.failed, stats.enqueued
        stats.queues
        stats.fetch_stats_fast()
        """,
    ),
    Section(
        "Queues",
        "How many jobs wait, for how many seconds the next one has, and which they are.",
        """
        teep.Queue.all()
        queue = teep.Queue("tour")
        queue.size(), queue.latency()
        list(queue)
        """,
    ),
    Section(
        "Find a job by its jid",
        "Among a thousand others; then look at it, or take it out.",
        """
        jobs = ([path] for path in paths[:1000])
        jids = analyse.set(queue="tour").perform_bulk(jobs)
        queue.size()
        job = queue.find_job(jids[len(jids) // 2])
        job
        job.args
        job.delete()
        queue.find_job(job.jid) is None
        queue.clear()
        """,
    ),
    Section(
        "The scheduled set",
        "Jobs for later. They can be found, moved in time, and deleted.",
        """
        jids = [analyse.perform_in(3600, path) for path in paths[:3]]
        scheduled = teep.ScheduledSet()
        scheduled.size()
        entry = scheduled.find_job(jids[0])
        str(entry.at)
        entry.reschedule(entry.score + 1800)
        str(scheduled.find_job(jids[0]).at)
        scheduled.delete_by_jid(entry.score, jids[0])
        scheduled.clear()
        """,
    ),
    Section(
        "The retry set",
        "Failed jobs wait here for another try. We mend one file: its job will succeed.",
        """
        retries = teep.RetrySet()
        failed = retries.size()
        entry = next(entry for entry in retries if entry.args == [broken])
        entry.error_class, entry.retry_count
        entry.error_message
        mend(broken)
        retries.retry_all()
        wait_until(lambda: retries.size() == failed - 1)
        retries.find_job(entry.jid) is None
        retries.kill_all()
        """,
    ),
    Section(
        "The dead set",
        "The end of the line, where jobs are kept for half a year. They can still return.",
        """
        dead = teep.DeadSet()
        dead.size(), dead.max_jobs(), dead.timeout()
        dead.retry_all()
        wait_until(lambda: retries.size() == failed - 1)
        retries.kill_all()
        dead.clear()
        dead.size()
        """,
    ),
    Section(
        "Live work",
        "Processes, and what runs in them right now. A call stops one of them from afar.",
        """
        wait_until(lambda: teep.WorkSet().size() == 2)
        process = next(iter(teep.ProcessSet()))
        process.identity, process.queues
        process.busy, process.concurrency, process.rss
        process_id, thread_id, work = next(iter(teep.WorkSet()))
        thread_id, work.queue, str(work.run_at)
        work.job.args
        teep.WorkSet().find_work(work.job.jid)
        marker.unlink()
        process.stop()
        wait_until(lambda: teep.ProcessSet().get(process.identity) is None)
        """,
    ),
)


def give(console: Console, paths: list[str], broken: Path, marker: Path, witness: Witness) -> None:
    """Type the whole tour.

    Raises:
        WorkerEnded: the worker ended.
        DemoFailed: an event that it waits for did not happen.
    """
    names: dict[str, Any] = {
        "teep": teep,
        "analyse": analyse,
        "paths": paths,
        "broken": str(broken),
        "mend": mend,
        "marker": marker,
        "wait_until": witness.wait_until,
    }
    typist = Typist(console, names)
    introduce(console)
    for number, section in enumerate(SECTIONS, 1):
        heading(console, number, section.title, section.line)
        typist.type_in(section.code)
