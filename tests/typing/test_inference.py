"""What type checkers infer for users' code; mypy and pyright check it, running it proves little.

Each function is a program that a user could write: it is never called.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from typing import Any, Literal, assert_type

import teep


@teep.job
def plain(user_id: int, *, locale: str = "en") -> float:
    return float(user_id)


@teep.job(queue="mailers", retry=5, tags=["welcome"], extra={"own": {"x": 1}})
async def awaited(name: str) -> bytes:
    return name.encode()


@teep.job(
    expires_in=timedelta(minutes=5), timeout=timedelta(hours=1), retry_for=None, log_level="debug",
    retry_in=lambda count, error, job: count * 60.0, retries_exhausted=lambda job, error: None,
)  # fmt: skip
def with_options() -> str:
    return ""


class Class(teep.Job, queue="low"):
    def perform(self, name: str, *, shout: bool = False) -> int:
        if len(name) > 1:
            self.perform_async(name[1:], shout=shout)
        return len(name)


class Inheriting(Class, queue="high"):
    """Its perform is that of its base."""


class Overriding(Class):
    async def perform(self, count: int) -> None:  # type: ignore[override]  # another signature is another job
        ...


class Base(teep.Job, retry=3):
    """Options for others, and no job itself."""


def functions() -> None:
    assert_type(plain(1, locale="de"), float)
    assert_type(plain.perform_async(1, locale="de"), str | None)
    assert_type(plain.perform_in(60, 1), str | None)
    assert_type(plain.perform_at(datetime.now(), 1), str | None)  # noqa: DTZ005 - any datetime will do
    assert_type(plain.perform_bulk([(1,), [2]], at=[1.0]), list[str | None])
    assert_type(plain.set(queue="critical").perform_async(1), str | None)
    assert_type(awaited.perform_async("x"), str | None)
    assert_type(with_options.set(expires_in=60).perform_async(), str | None)
    assert_type(plain.s(1, locale="de"), teep.Signature)
    assert_type(plain.aio.set(queue="x").s(1).set(wait=5).args, list[Any])
    assert_type(teep.push(plain.s(1)), str | None)
    assert_type(teep.Client().push(plain.s(1)), str | None)


def classes() -> None:
    assert_type(Class.perform_async("x", shout=True), str | None)
    assert_type(Class.perform_in(60, "x"), str | None)
    assert_type(Class.perform_at(datetime.now(), "x"), str | None)  # noqa: DTZ005 - any datetime will do
    assert_type(Class.perform_bulk([("x",), ["y"]]), list[str | None])
    assert_type(Class.set(queue="critical").perform_in(timedelta(hours=1), "x"), str | None)
    assert_type(Class().perform_async("x"), str | None)
    assert_type(Class().perform("x"), int)
    assert_type(Inheriting.perform_async("x"), str | None)
    assert_type(Overriding.perform_async(1), str | None)
    assert_type(Class.s("x", shout=True), teep.Signature)
    assert_type(Class().s("x"), teep.Signature)


async def classes_awaited() -> None:
    assert_type(await Class.aio.perform_async("x", shout=True), str | None)
    assert_type(await Class.aio.set(queue="x").perform_in(5, "x"), str | None)
    assert_type(await Class.set(queue="x").aio.perform_async("x"), str | None)
    assert_type(await Overriding.aio.perform_at(5, 1), str | None)
    assert_type(await Overriding().perform(1), None)


async def functions_awaited() -> None:
    assert_type(await teep.apush(plain.s(1)), str | None)
    assert_type(await awaited("x"), bytes)
    assert_type(await plain.aio.perform_async(1), str | None)
    assert_type(await awaited.aio.set(queue="x").perform_in(5, "x"), str | None)
    assert_type(await plain.aio.perform_bulk([(1,)]), list[str | None])


def wrong_calls() -> None:
    """A call that the signature does not allow is an error; where it is none, the ignore would be one."""
    plain.perform_async("1")  # type: ignore[arg-type]
    plain.perform_async(1, lang="de")  # type: ignore[call-arg]
    plain.perform_in(60)  # type: ignore[call-arg]
    plain.set(queue="x").perform_async()  # type: ignore[call-arg]
    awaited(5)  # type: ignore[arg-type,unused-coroutine]
    plain.s("1")  # type: ignore[arg-type]
    plain.s(1, lang="de")  # type: ignore[call-arg]
    plain.set(queue="x").s()  # type: ignore[call-arg]
    plain.aio.s()  # type: ignore[call-arg]
    plain.s(1).set(quue="x")  # type: ignore[call-arg]
    teep.push(plain)  # type: ignore[arg-type]


def wrong_options() -> None:
    teep.job(retires=3)  # type: ignore[call-overload]
    teep.job(tenant="acme")  # type: ignore[call-overload]
    teep.job(unique_until="done")  # type: ignore[call-overload]
    plain.set(quue="x")  # type: ignore[call-arg]
    plain.set(name="x")  # type: ignore[call-arg]
    plain.aio.set(quue="x")  # type: ignore[call-arg]
    plain.set(retry="often")  # type: ignore[arg-type]
    Class.set(quue="x")  # type: ignore[call-arg]

    class Retired(teep.Job, retires=3):  # type: ignore[call-arg]
        """A typo."""

    class Tenant(teep.IterableJob, tenant="acme"):  # type: ignore[call-arg]
        """A field of one's own goes under extra."""


def wrong_calls_of_classes() -> None:
    Class.perform_async(1)  # type: ignore[arg-type]
    Class.s(1)  # type: ignore[arg-type]
    Base.s()  # type: ignore[misc]
    Class.perform_async()  # type: ignore[call-arg]
    Class.perform_async("x", loud=True)  # type: ignore[call-arg]
    Class.perform_in(60, 1)  # type: ignore[arg-type]
    Class.perform_at(60)  # type: ignore[call-arg]
    Class.perform_inline(1)  # type: ignore[arg-type]
    Class.set(queue="x").perform_async(1)  # type: ignore[arg-type]
    Inheriting.perform_async(1)  # type: ignore[arg-type]
    Overriding.perform_async("x")  # type: ignore[arg-type]
    Base.perform_async()  # type: ignore[misc]
    Base.set()  # type: ignore[misc]


async def wrong_calls_of_classes_awaited() -> None:
    await Class.aio.perform_async(1)  # type: ignore[arg-type]
    await Class.aio.set(queue="x").perform_in(5)  # type: ignore[call-arg]
    await Base.aio.perform_async()  # type: ignore[arg-type]


def queues(queue: teep.Queue) -> None:
    assert_type(queue.size(), int)
    assert_type(queue.paused, bool)
    assert_type(queue.latency(), float)
    assert_type(queue.first(), teep.JobRecord | None)
    assert_type(queue.first(10), list[teep.JobRecord])
    assert_type(queue.find_job("x"), teep.JobRecord | None)
    assert_type(queue.page(2, size=10), teep.Page[teep.JobRecord])
    assert_type(queue.clear(), bool)
    assert_type(teep.Queue.all(), list[teep.Queue])
    assert_type(teep.Queue.size(queue), int)
    assert_type(queue.where(klass=plain, args=[1, ...], newer_than=5), teep.QueueSelection)
    assert_type(queue.where(klass=Class, jids=plain.perform_bulk([(1,)])).delete_all(), int)
    assert_type(teep.RetrySet().where(klass=awaited.set(queue="x")), teep.SetSelection)
    conditions: teep.Conditions = {"klass": "x", "older_than": 5}
    assert_type(queue.where(**conditions), teep.QueueSelection)
    queue.where(klas="x")  # type: ignore[call-arg]
    queue.where(klass=5)  # type: ignore[arg-type]
    assert_type([record for record in queue], list[teep.JobRecord])  # noqa: C416 - iteration is what is tested
    if record := queue.first():
        assert_type(record.delete(), bool)
        assert_type(record.enqueued_at, datetime | None)
        assert_type(record.error_backtrace, list[str] | None)


def batches() -> None:
    batch = teep.Batch(tags=["eu"]).on("success", plain, 1).on("finish", Class, 1, "a").on("death", "RubyJob", 1)
    assert_type(batch, teep.Batch)
    with batch.jobs(flush_every=100):
        plain.perform_async(1)
    status = teep.BatchStatus(batch.bid)
    assert_type(status.wait(timeout=1), bool)
    assert_type(status.failed_jids, list[str])
    assert_type(status.callbacks, dict[str, list[teep.BatchCallback]])
    assert_type(status.finished_at, datetime | None)
    assert_type(list(teep.BatchSet().where(tag="eu", state="dead")), list[teep.BatchStatus])
    assert_type(teep.BatchSet().page(), teep.Page[teep.BatchStatus])
    batch.on("end", plain, 1)  # type: ignore[arg-type]
    if (job := teep.current_job()) is not None:
        assert_type(job.batch, teep.Batch | None)


async def batches_awaited(bid: str) -> None:
    async with teep.Batch(bid).jobs():
        await plain.aio.perform_async(1)
    status = await teep.AsyncBatchStatus.fetch(bid)
    assert_type(status, teep.AsyncBatchStatus)
    assert_type(await status.retry_failed(), int)
    assert_type([each async for each in teep.AsyncBatchSet()], list[teep.AsyncBatchStatus])


def workflows() -> None:
    workflow = teep.Workflow("x", tags=["eu"]).on("success", plain, 1)
    first = workflow.add("first", plain.s(1))
    group = workflow.add_many("more", [plain.s(2), Class.s("a")], after=first, when="skip")
    workflow.add("last", plain.s(3), after={first: "stop", group: "hold"})
    workflow.add("never", plain.s(3), after=first, when="never")  # type: ignore[arg-type]
    assert_type(workflow.start(), teep.Workflow)
    assert_type(teep.chain(plain.s(1), teep.group(plain.s(number) for number in range(3))), teep.Workflow)
    status = teep.WorkflowStatus(workflow.bid)
    assert_type(status.batch, teep.BatchStatus)
    assert_type(status.result("first"), teep.Result)
    assert_type(status.nodes, list[teep.NodeStatus])
    assert_type(status.node("first").since, datetime)
    assert_type(status.retry("first"), bool)
    assert_type(list(teep.WorkflowSet().where(tag="eu", state="failed")), list[teep.WorkflowStatus])
    assert_type(teep.WorkflowSet().get("x"), teep.WorkflowStatus | None)
    teep.WorkflowSet().where(state="dead")  # type: ignore[arg-type]
    if (job := teep.current_job()) is not None:
        assert_type(job.workflow, teep.Workflow | None)


async def workflows_awaited(bid: str) -> None:
    assert_type(await teep.chain(plain.s(1)).astart(), teep.Workflow)
    status = await teep.AsyncWorkflowStatus.fetch(bid)
    assert_type(status.batch, teep.AsyncBatchStatus)
    assert_type(await status.wait(timeout=1, event="success"), bool)
    assert_type(await status.result("first").progress, teep.Progress | None)
    assert_type(await status.retry_rest(), int)
    assert_type([each async for each in teep.AsyncWorkflowSet()], list[teep.AsyncWorkflowStatus])
    assert_type(await teep.AsyncWorkflowSet().page(), teep.Page[teep.AsyncWorkflowStatus])


async def queues_awaited(queue: teep.AsyncQueue) -> None:
    assert_type(await queue.size(), int)
    assert_type(await queue.paused, bool)
    assert_type(await queue.first(), teep.AsyncJobRecord | None)
    assert_type(await queue.first(10), list[teep.AsyncJobRecord])
    assert_type(await queue.find_job("x"), teep.AsyncJobRecord | None)
    assert_type(await queue.page(), teep.Page[teep.AsyncJobRecord])
    assert_type(await teep.AsyncQueue.all(), list[teep.AsyncQueue])
    assert_type(await teep.AsyncQueue.find_job(queue, "x"), teep.AsyncJobRecord | None)
    assert_type(queue.where(klass=IteratingAsync, error_class="x"), teep.AsyncQueueSelection)
    assert_type(teep.AsyncDeadSet().where(older_than=5), teep.AsyncSetSelection)
    assert_type([record async for record in queue], list[teep.AsyncJobRecord])
    if record := await queue.first():
        assert_type(await record.delete(), bool)
        assert_type(await record.kill(), bool)


def sets(retries: teep.RetrySet, dead: teep.DeadSet, later: teep.ScheduledSet) -> None:
    for jobs in (retries, dead, later):
        assert_type(jobs.find_job("x"), teep.SortedEntry | None)
        assert_type(jobs.fetch(1.0), list[teep.SortedEntry])
        assert_type(jobs.scan("x"), list[teep.SortedEntry])
        assert_type(jobs.page(), teep.Page[teep.SortedEntry])
        assert_type(jobs.retry_all(), int)
        assert_type(jobs.delete_by_jid(1.0, "x"), bool)
        assert_type([entry for entry in jobs], list[teep.SortedEntry])  # noqa: C416 - as above
    assert_type(dead.kill("{}"), bool)
    assert_type(teep.DeadSet.max_jobs(), int)
    if entry := retries.find_job("x"):
        assert_type(entry.at, datetime)
        assert_type(entry.reschedule(datetime.now()), bool)  # noqa: DTZ005 - any datetime will do
        assert_type(entry.retry(), bool)


async def sets_awaited(retries: teep.AsyncRetrySet, dead: teep.AsyncDeadSet, later: teep.AsyncScheduledSet) -> None:
    for jobs in (retries, dead, later):
        assert_type(await jobs.find_job("x"), teep.AsyncSortedEntry | None)
        assert_type(await jobs.fetch(1.0), list[teep.AsyncSortedEntry])
        assert_type(await jobs.kill_all(notify_failure=True), int)
        assert_type([entry async for entry in jobs], list[teep.AsyncSortedEntry])
    if entry := await dead.find_job("x"):
        assert_type(await entry.kill(), bool)


def processes(live: teep.ProcessSet, running: teep.WorkSet) -> None:
    assert_type(live.get("x"), teep.Process | None)
    assert_type([process for process in live], list[teep.Process])  # noqa: C416 - as above
    assert_type(live.total_concurrency(), int)
    assert_type(running.find_work("x"), teep.Work[teep.JobRecord] | None)
    for process_id, thread_id, work in running:
        assert_type((process_id, thread_id), tuple[str, str])
        assert_type(work.job, teep.JobRecord)
    for process in live:
        assert_type(process.quiet(), None)


async def processes_awaited(live: teep.AsyncProcessSet, running: teep.AsyncWorkSet) -> None:
    assert_type(await live.get("x"), teep.AsyncProcess | None)
    assert_type([process async for process in live], list[teep.AsyncProcess])
    assert_type(await running.find_work("x"), teep.Work[teep.AsyncJobRecord] | None)
    async for _, _, work in running:
        assert_type(work.job, teep.AsyncJobRecord)


async def statistics() -> None:
    assert_type(teep.Stats().queues, dict[str, int])
    assert_type(teep.Stats().queue_summaries(), list[teep.QueueSummary])
    assert_type(teep.Stats.History(5).processed, dict[str, int])
    stats = await teep.AsyncStats.fetch()
    assert_type(stats, teep.AsyncStats)
    assert_type(await stats.queue_summaries(), list[teep.QueueSummary])
    assert_type((await teep.AsyncStats.History.fetch(5)).failed, dict[str, int])


async def clients() -> None:
    assert_type(teep.Client().push({"class": "Noop", "args": []}), str | None)
    assert_type(teep.Client().push_bulk({"class": "Noop", "args": []}), list[str | None])
    assert_type(await teep.AsyncClient().push({"class": "Noop", "args": []}), str | None)
    assert_type(teep.Client().enqueue(plain, 1), str | None)
    assert_type(teep.Client().enqueue_to("x", Class, "x"), str | None)
    assert_type(await teep.AsyncClient().enqueue_in(5, plain, 1), str | None)
    assert_type(teep.find_job(plain.perform_async(1)), teep.Located | None)
    assert_type(teep.Queue().find_job(plain.perform_async(1)), teep.JobRecord | None)
    assert_type(await teep.AsyncRetrySet().find_job(await plain.aio.perform_async(1)), teep.AsyncSortedEntry | None)
    teep.Client().cancel(Class.perform_in(60, "x"))
    where = teep.Client().cancel("x")
    assert_type(where, Literal["working", "queued", "scheduled", "retrying"] | None)
    where = await teep.AsyncClient().cancel("x")
    assert_type(where, Literal["working", "queued", "scheduled", "retrying"] | None)


def test_the_jobs_above_are_defined() -> None:
    assert plain(5) == 5.0
    assert Class().perform("abc") == 3


class Iterating(teep.IterableJob, max_iteration_runtime=60):
    def build_enumerator(self, path: str, *, cursor: int | None) -> Iterator[tuple[float, int]]:
        assert_type(self.csv_enumerator(path, cursor=cursor), Iterator[tuple[Any, int]])
        return self.array_enumerator([1.5], cursor=cursor)

    def each_iteration(self, item: float, path: str, *, deep: bool = False) -> None: ...


class IteratingAsync(teep.IterableJob):
    async def build_enumerator(self, *, cursor: int | None) -> AsyncIterator[tuple[str, int]]:
        yield "x", 0

    async def each_iteration(self, item: str) -> None: ...


async def iterable_jobs() -> None:
    """The verbs take what follows the item."""
    assert_type(Iterating.perform_async("x", deep=True), str | None)
    assert_type(Iterating.perform_in(60, "x"), str | None)
    assert_type(Iterating.set(queue="low").perform_at(60, "x"), str | None)
    assert_type(Iterating.perform_bulk([("x",)]), list[str | None])
    assert_type(await Iterating.aio.perform_async("x"), str | None)
    assert_type(IteratingAsync.perform_async(), str | None)
    Iterating.perform_async(1)  # type: ignore[arg-type]
    Iterating.perform_async()  # type: ignore[call-arg]
    Iterating.perform_inline("x", True)  # type: ignore[call-arg]
    await Iterating.aio.perform_async(1)  # type: ignore[arg-type]
    IteratingAsync.perform_async(1)  # type: ignore[call-arg]
    Base.perform_async()  # type: ignore[misc]


def names_of_the_package() -> None:
    """The test kit is typed though it is loaded late, and a typo is an error."""
    with teep.testing.fake() as jobs:
        assert_type(len(jobs), int)
    teep.tseting.fake()  # type: ignore[attr-defined]
