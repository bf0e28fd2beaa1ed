"""The running jobs in a fork of their process: they belong to the parent."""

from typing import Any

from teep.runtime import forks
from teep.worker.fetch.unit import UnitOfWork
from teep.worker.run.processor import Processor


class ForeignProcessor(Processor):
    """The class of a `Processor` in a fork: when a job ends there, the process ends, and nothing else happens.

    The child has copies of the job's frames, and of the call of `Processor.run` below them.
    """

    def _end(
        self,
        job: UnitOfWork,  # noqa: ARG002 - a Processor's
        thread_id: str,  # noqa: ARG002 - as above
        started: float,  # noqa: ARG002 - as above
        error: BaseException | None = None,
        value: Any = None,  # noqa: ARG002 - as above
    ) -> None:
        forks.end(error)
