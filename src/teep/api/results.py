"""The result of a job: where the job is, what it returned, and waiting for that."""

from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, Literal

from teep.api.base import Api, AsyncApi, SyncApi, seconds_of
from teep.api.fleet.work import Progress, told_by
from teep.client import AsyncClient, Client
from teep.client.delivery import test_mode
from teep.clock import monotonic
from teep.config import Config
from teep.drivers.operation import operation
from teep.drivers.plans import pause
from teep.errors import (
    InvalidType,
    JobFailed,
    NotHere,
    RedisDenied,
    RedisRefused,
    RedisUnavailable,
    ResultNotKept,
    ResultTimeout,
)
from teep.store import processes, results
from teep.store.jobs import locate
from teep.store.jobs.locate import JobPlace, Where
from teep.store.results import Ended, Record

__all__ = ["AsyncResult", "Result", "Status", "aresult", "result"]

Status = Literal["scheduled", "queued", "running", "retrying", "succeeded", "failed", "dead", "cancelled", "unknown"]

_PLACES: dict[Where, Status] = {
    "working": "running",
    "queued": "queued",
    "scheduled": "scheduled",
    "retrying": "retrying",
    "dead": "dead",
}
_ENDS: dict[Ended, Status] = {
    "succeeded": "succeeded",
    "dead": "dead",
    "discarded": "failed",
    "expired": "failed",
    "cancelled": "cancelled",
    "deleted": "cancelled",
}

# Seconds that Redis is asked to wait at most: the job that waits may be interrupted between two of them.
_BLOCK = 1.0
# Seconds between looks for the job itself, which may cost a search of every queue; each is twice as long as the last.
_FIRST_LOOK, _LAST_LOOK = 1.0, 60.0


class _Result(Api):
    """The result of one job. Making it costs nothing; `jid` is the job's."""

    def __init__(
        self, jid: str | None, *, config: Config | None = None, client: Client | AsyncClient | None = None
    ) -> None:
        if not isinstance(jid, str):
            raise InvalidType(
                f"a result has the jid of its job, which is a string, not {jid!r}; a push returns None if a"
                " middleware stopped it or an identical job has its lock"
            )
        super().__init__(config=config, client=client)
        self.jid = jid

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.jid}>"

    @operation
    async def get(self, timeout: float | timedelta | None = None) -> Any:  # noqa: ASYNC109 - a plan knows no asyncio
        """Wait for the job's end and return what it returned, out of JSON.

        Redis wakes the waiting call in the step that ends the job. A failure with retries left is no end. A call
        that waits has a connection of its own. It costs one command, one more for each second of waiting, and a
        search as `find_job`'s after 1, 3, 7 … seconds, at most every minute. An outage of Redis is waited out, too.

        Args:
            timeout: seconds or timedelta; 0: do not wait; None: as long as it takes.

        Raises:
            JobFailed: it is dead, was discarded, cancelled or deleted, or was too late to start.
            ResultTimeout: it has not ended in time; a TimeoutError.
            ResultNotKept: it does not keep its result, or that is gone, or could not be kept.
            NotHere: inside `teep.testing.fake()`, the job has not run.
        """
        seconds = seconds_of(timeout)
        if (mode := test_mode.current()) is not None:
            return self._value(self._in_test(mode))
        deadline = monotonic() + seconds
        record = await results.read(self.jid) or await self._awaited(deadline)
        return self._value(record or await self._too_late(seconds))

    async def _status(self) -> Status:
        if (mode := test_mode.current()) is not None:
            record = mode.results.get(self.jid)
            return mode.waiting(self.jid) or ("unknown" if record is None else _ENDS[results.parse(record).status])
        record_or_place = await self._find()
        if record_or_place is None:
            return "unknown"
        return _status_of(record_or_place)

    async def _progress(self) -> Progress | None:
        if test_mode.current() is not None:
            return None
        found = await processes.find(self.jid)
        return None if found is None else told_by(found)

    async def _find(self) -> Record | JobPlace | None:
        """Return the record of a success, else where the job is, else the record of another end, else None."""
        record = await results.read(self.jid)
        if record is not None and record.status == "succeeded":
            return record
        # A dead job may have been sent again.
        return await locate.find(self.jid) or record or await results.read(self.jid)

    async def _awaited(self, deadline: float) -> Record | None:
        """Wait for the record; None: it has not come by the deadline (monotonic seconds).

        Raises:
            ResultNotKept: none will come.
        """
        interval, is_missing = _FIRST_LOOK, False
        look = monotonic() + interval
        while (left := deadline - monotonic()) > 0:
            try:
                if (record := await self._next(min(left, _BLOCK))) is not None:
                    return record
                if monotonic() < look:
                    continue
                found = await self._find()
            except (RedisUnavailable, RedisRefused):
                continue
            if found is not None and (record := self._record_of(found)) is not None:
                return record
            if found is None and is_missing:
                raise self._unknown()
            # One that moves may be missed once, and another process may not have pushed it yet.
            is_missing = found is None
            interval = min(interval * 2, _LAST_LOOK)
            look = monotonic() + interval
        return None

    async def _next(self, seconds: float) -> Record | None:
        """Wait so long for the record, in Redis; if that is not possible now or for this user, here."""
        try:
            return await results.awaited(self.jid, seconds)
        except (RedisUnavailable, RedisRefused, RedisDenied):
            await pause(seconds)
        return await results.read(self.jid)

    def _record_of(self, found: Record | JobPlace) -> Record | None:
        """Return how a job ended; None if it has not.

        Raises:
            ResultNotKept: it does not keep its result.
        """
        if isinstance(found, Record):
            return found
        if not results.is_kept(found.raw):
            raise ResultNotKept(
                f"the job {self.jid} is {_PLACES[found.where]} and does not keep its result; give it keep_result="
            )
        # One that is dead without a record was killed by a process that writes none, or the record's time is over.
        return results.of_dead(found.raw) if found.where == "dead" else None

    async def _too_late(self, seconds: float) -> Record:
        """Return the record after all.

        Raises:
            ResultTimeout, ResultNotKept: there is none.
        """
        words = f"the job {self.jid} has not ended in {seconds:g} s"
        try:
            found = await self._find()
        except (RedisUnavailable, RedisRefused) as error:
            raise ResultTimeout(f"{words}, as far as is known: {error}") from error
        if found is None:
            raise self._unknown()
        if (record := self._record_of(found)) is not None:
            return record
        status = _status_of(found)
        raise ResultTimeout(f"{words}; it is {status}", status)

    def _unknown(self) -> ResultNotKept:
        return ResultNotKept(
            f"nothing is known of the job {self.jid}: it is over and did not keep its result (give it keep_result=),"
            " or the time of that is over, or it was never pushed"
        )

    def _value(self, record: Record) -> Any:
        if record.status != "succeeded":
            raise JobFailed(self.jid, record.status, record.error_class, record.error_message, record.error_backtrace)
        if record.problem is not None:
            raise ResultNotKept(f"the job {self.jid} has succeeded, but {record.problem}")
        return record.value

    def _in_test(self, mode: test_mode.Redirect) -> Record:
        if (raw := mode.results.get(self.jid)) is not None:
            return results.parse(raw)
        if mode.waiting(self.jid) is not None:
            raise NotHere(f"the job {self.jid} is collected and has not run; run it with teep.testing.drain()")
        raise ResultNotKept(
            f"no result of {self.jid} is kept in this test: the job has no keep_result=, has raised, or was not"
            " pushed here"
        )


class Result(_Result, SyncApi):
    @property
    def status(self) -> Status:
        """Where the job is, or how it ended, whether or not it keeps its result; "unknown" if it left no trace.

        "failed" is one that was discarded, or too late to start; "cancelled" one that was deleted, too. One round
        trip for a job that has succeeded, else a search as `find_job`'s.
        """
        return self._run(self._status())

    @property
    def progress(self) -> Progress | None:
        """How far the job is, if it runs and has told that by `current_job().progress`; see `Work.progress`.

        Two round trips, as `WorkSet.find_work`. Inside of `teep.testing.fake()` and `inline()` it is None.
        """
        return self._run(self._progress())


class AsyncResult(_Result, AsyncApi):
    @property
    def status(self) -> Coroutine[Any, Any, Status]:
        """As `Result.status`, to await."""
        return self._run(self._status())

    @property
    def progress(self) -> Coroutine[Any, Any, Progress | None]:
        """As `Result.progress`, to await."""
        return self._run(self._progress())


def result(jid: str | None, *, config: Config | None = None, client: Client | None = None) -> Result:
    """Return the result of a job, to look at or to wait for.

    Raises:
        InvalidType: `jid` is None, as a push returns it that was stopped.
    """
    return Result(jid, config=config, client=client)


def aresult(jid: str | None, *, config: Config | None = None, client: AsyncClient | None = None) -> AsyncResult:
    """As `result`, to await."""
    return AsyncResult(jid, config=config, client=client)


def _status_of(found: Record | JobPlace) -> Status:
    return _ENDS[found.status] if isinstance(found, Record) else _PLACES[found.where]
