"""Jobs whose process has forked, as the child sees them: they are the parent's."""

from teep.worker import forks
from teep.worker.processor import Processor
from teep.worker.reserved import Reserved


class ForeignProcessor(Processor):
    """What a `Processor` becomes in a fork: where a job comes to its end there, the process ends, and nothing else.

    The job's frames are in the child as they are in the parent, and so is the call of `Processor.run` below them.
    """

    def _succeeded(self, _job: Reserved, _thread_id: str, _started: float) -> None:
        forks.end(None)

    def _failed(self, _job: Reserved, error: BaseException, _thread_id: str, _started: float) -> None:
        forks.end(error)
