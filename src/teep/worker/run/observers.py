"""The observers of every worker: the metrics, and then the log with the error handlers.

| state of a run | metrics | line | error handlers |
|---|---|---|---|
| STARTED | | start | |
| DONE, OVER | a run | done | |
| INTERRUPTED | a run | interrupt | |
| CANCELLED | a run | cancel | its error, unless that is its cancellation |
| RESCHEDULED | a run | over the limit | |
| SNOOZED | a run | snoozed | |
| FAILED | a failure | failed … | its error, unless it asked for the retry; those of its own callbacks |
| MALFORMED | | | the fault of the bytes |
| PUT_BACK | | | |
"""

from collections.abc import Mapping

from teep.config import Config
from teep.config.handlers import report
from teep.config.hooks import Observer
from teep.runtime.notices import Skipped
from teep.worker.fetch.tallies import Tallies
from teep.worker.logs import job_lines
from teep.worker.run.run import Run, State, is_told_to_end

LINES: Mapping[State, str] = {
    State.DONE: "done",
    State.OVER: "done",
    State.INTERRUPTED: "interrupt",
    State.CANCELLED: "cancel",
    State.RESCHEDULED: "over the limit",
    State.SNOOZED: "snoozed",
}


def own(config: Config, tallies: Tallies) -> tuple[Observer, ...]:
    """Return a worker's own observers, in their order."""

    def count(happening: object) -> None:
        if isinstance(happening, Run):
            _count(tallies, happening)

    def tell(happening: object) -> None:
        if isinstance(happening, Run):
            _log(config, happening)
            _report(config, happening)
        elif isinstance(happening, Skipped):
            job_lines.skipped(happening.job, happening.line)

    return count, tell


def _count(tallies: Tallies, run: Run) -> None:
    if run.state in LINES:
        tallies.add(run.job, run.seconds)
    elif run.state is State.FAILED:
        tallies.failed(run.job)


def _log(config: Config, run: Run) -> None:
    if config.skip_default_job_logging or not job_lines.is_on() or run.job.item is None:
        return
    if run.state is State.STARTED:
        job_lines.started(run.job.item, run.thread_id)
    elif (line := LINES.get(run.state)) is not None:
        job_lines.ended(run.job, run.thread_id, run.seconds, line)


def _report(config: Config, run: Run) -> None:
    error = run.error
    if error is None:
        return
    if run.ending is not None:
        job_lines.failed(config, run.job, error, run.ending, run.thread_id, run.seconds)
    elif run.state is State.MALFORMED:
        report(config, error, {"context": "malformed payload, moved to the dead set", "raw": run.job.raw})
    elif run.state is State.CANCELLED and not is_told_to_end(error):
        report(config, error, {"context": "a cancelled job raised", "job": run.job.item})
