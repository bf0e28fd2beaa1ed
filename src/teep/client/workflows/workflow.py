"""A workflow as programs make it."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Self

from teep.client import blocking
from teep.client.batches.watched import LINGER, Watched
from teep.client.client import BoundJob
from teep.client.delivery import routes
from teep.client.workflows.drafts import After, Drafts, Handle, drafted, edges
from teep.client.workflows.starting import start
from teep.config import Config, async_driver_for, driver_for
from teep.drivers.plans import Late, run_plan, run_plan_async
from teep.errors import InvalidValue
from teep.store.batches import Declaration
from teep.store.nodes import Policy

_ON_LOOP = ("the start of a workflow", "await workflow.astart()")


class Workflow(Watched):
    """Jobs that wait for one another: each is a node, and is pushed once those that it comes after are over.

    It is a batch, with the events of one; a node that waits counts as a job that is not over. What becomes of a node
    if one before it does not succeed, the policy of that edge says:

    | policy | if the one before is dead | is discarded, or deleted | was never pushed |
    |---|---|---|---|
    | `"stop"` | it is never pushed | never pushed | never pushed |
    | `"skip"` | it goes on | goes on | never pushed |
    | `"hold"` | it waits until someone retries that one by hand | never pushed | never pushed |
    | `"always"` | it goes on | goes on | goes on |

    Args:
        name: what to call it.
        bid: a workflow that is there already, to add nodes to it; it has its options since it was made.
        description, tags, callback_queue, linger, config: as of `Batch`.
        parent: the batch or workflow, or its bid, that waits for this one; default that in whose block it is started.
            With `current_job().workflow`, the node that runs here is over only when this workflow is.

    Raises:
        InvalidType, InvalidValue: an option is wrong.
    """

    kind = "workflow"
    opens = "start()"

    def __init__(
        self,
        name: str | None = None,
        *,
        bid: str | None = None,
        description: str | None = None,
        tags: Sequence[str] = (),
        callback_queue: str | None = None,
        linger: float | timedelta = LINGER,
        parent: Watched | str | None = None,
        config: Config | None = None,
    ) -> None:
        super().__init__(bid, description, tags, callback_queue, linger, parent, config)
        if bid is not None and name is not None:
            raise InvalidValue(f"workflow {bid} has its name since it was made; it cannot be given again")
        self.name = self._text("name", name) or ""
        self.drafts = Drafts()

    def add(self, name: str, job: BoundJob, *, after: After = None, when: Policy | None = None) -> Handle:
        """Add a node: a job with its arguments, such as `build.s(url)`, to be pushed by `start()`.

        With `.set(wait=60)` it is due so long after those before it are over. Its options `unique_for` and
        `expires_in` do not count: a workflow pushes each node once, when its time has come.

        Args:
            name: its name, of up to 200 characters, by which it is found in the workflow.
            job: a signature. Its payload is made now.
            after: nodes and groups, by handle or name, one or several, or a dict that gives a policy for each.
            when: the policy of all these edges; default "stop".

        Raises:
            InvalidArguments, InvalidJob, InvalidType, InvalidValue: one of these is wrong, or the name is taken.
        """
        return self.drafts.add(drafted(self.config, self.drafts.new_name(name), job, edges(after, when)))

    def add_many(
        self, name: str, jobs: Iterable[BoundJob], *, after: After = None, when: Policy | None = None
    ) -> Handle:
        """Add a group of nodes, called `name.1`, `name.2` and so on; see `add`.

        A node that comes after the group comes after each of them, by the policy of its edge.
        """
        group, before = self.drafts.new_name(name), edges(after, when)
        members = [
            drafted(self.config, self.drafts.new_name(f"{group}.{number}"), job, before, group)
            for number, job in enumerate(jobs, start=1)
        ]
        for member in members:
            self.drafts.add(member)
        return self.drafts.add_group(group, members)

    def start(self) -> Self:
        """Push what waits for nothing, and have Redis push the rest when its time comes. Returns the workflow.

        All nodes are added in one atomic step. More than 1,000 are added in steps of so many, before any is pushed;
        if the process dies between them, the workflow is cancelled an hour later. Called again, or on a `bid`, it
        adds the nodes that are new, in one step.

        Raises:
            InvalidValue: a node comes after one that there is not, or after itself; or there is nothing to start.
                Nothing was pushed.
            BatchClosed: the workflow has finished, or its parent. Nothing was pushed.
        """
        plan = start(self, *self.drafts.take())
        if blocking.is_on_loop():
            warns = routes.is_plain() and self.config.environment != "production"
            blocking.check(plan, warns=warns, named=_ON_LOOP)
        run_plan(plan, Late(lambda: driver_for(self.config)))
        return self

    async def astart(self) -> Self:
        """As `start`, awaited."""
        await run_plan_async(start(self, *self.drafts.take()), Late(lambda: async_driver_for(self.config)))
        return self

    def declare(self) -> Declaration | None:
        declaration = super().declare()
        return None if declaration is None else declaration._replace(workflow=self.name)

    @property
    def is_new(self) -> bool:
        """Whether it has not been started yet."""
        return self._is_new

    def embed(self, prefix: str, other: "Workflow | BoundJob", after: After) -> Handle:
        """Add a job, or all nodes of another workflow with a prefix; returns what comes last of it, in one handle."""
        if not isinstance(other, Workflow):
            return self.add(prefix, other, after=after)
        other.check_embeddable()
        return self.drafts.embed(prefix, other.drafts, edges(after, None))

    @property
    def is_empty(self) -> bool:
        """Whether it adds nothing to one that it becomes a part of."""
        self.check_embeddable()
        return not self.drafts.nodes

    def check_embeddable(self) -> None:
        """Refuse to become a part of another workflow.

        Raises:
            InvalidValue: it cannot.
        """
        if not self._is_new or self._callbacks or self.parent_bid:
            why = "has callbacks or a parent, or is started"
            raise InvalidValue(f"{self!r} cannot become a part of another workflow, since it {why}")

    def __repr__(self) -> str:
        return f"<Workflow {self.name or self.bid}>"
