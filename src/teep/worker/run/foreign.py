"""Jobs whose process has forked, as the child sees them: they are the parent's."""

from teep.runtime import forks
from teep.worker.fetch.unit import UnitOfWork
from teep.worker.run.processor import Processor


class ForeignProcessor(Processor):
    """What a `Processor` becomes in a fork: where a job comes to its end there, the process ends, and nothing else.

    The job's frames are in the child as they are in the parent, and so is the call of `Processor.run` below them.
    """

    def _end(self, job: UnitOfWork, thread_id: str, started: float, error: BaseException | None = None) -> None:  # noqa: ARG002 - a Processor's
        forks.end(error)
