"""A batch as programs make it."""

from collections.abc import Sequence
from datetime import timedelta

from teep.client.batches.block import Block, most_of
from teep.client.batches.watched import LINGER, Watched
from teep.config import Config


class Batch(Watched):
    """Jobs whose ends are watched together, and callbacks that are pushed at its events. Sidekiq Pro's Batch.

    | event | happens, once, when |
    |---|---|
    | `"complete"` | each job has run at least once, or is over |
    | `"success"` | all have succeeded |
    | `"death"` | the first one is dead |
    | `"finish"` | all are over: they succeeded, are dead, or were discarded, expired, cancelled or deleted |

    All but `"death"` wait for child batches, too, and for the callbacks of these.

    Args:
        bid: a batch that is there already, to add jobs to it; without one it is new, and takes the other options.
        description: what it is for, to be shown.
        tags: to find it by.
        callback_queue: the queue of its callbacks; default each one's own.
        linger: seconds or timedelta for which it is remembered once all its jobs are over; default a day.
        parent: the batch, or its bid, that waits for this one; default that in whose block it is first opened. With
            `current_job().workflow`, the node that runs here is over only when this batch is.
        config: which Redis; default that of `parent`, else the process-wide configuration.

    Raises:
        InvalidType, InvalidValue: an option is wrong.
    """

    kind = "batch"
    opens = "its first jobs()"

    def __init__(
        self,
        bid: str | None = None,
        *,
        description: str | None = None,
        tags: Sequence[str] = (),
        callback_queue: str | None = None,
        linger: float | timedelta = LINGER,
        parent: Watched | str | None = None,
        config: Config | None = None,
    ) -> None:
        super().__init__(bid, description, tags, callback_queue, linger, parent, config)

    def jobs(self, *, flush_every: int | None = None) -> Block:
        """Return the block, for `with` or `async with`, inside of which every push adds a job to this batch.

        The jobs are sent at its end in one atomic step. An error in the block drops them all. More than 1,000, or
        than `flush_every`, are sent in steps of so many. Events then wait for the end of the block, or an hour after
        its last step if its process dies; an error in the block leaves the batch invalid, so its jobs are skipped.
        The batch knows such jobs by an index, a bit of Redis each, in place of 75 bytes for a jid.

        It can be called again, from anywhere that knows the bid, until the batch has finished. It holds for this
        thread or task, and the tasks started inside. `perform_inline` runs a job that is not of the batch.

        Raises:
            BatchClosed: at the end of the block: the batch has finished. Nothing was pushed.
        """
        return Block(self, most_of(flush_every))
