"""The locks of unique jobs, as others than the jobs themselves see them."""

from typing import NamedTuple

from teep.wire import commands, keys
from teep.wire.scripts import step
from teep.wire.scripts.step import Part, Parts, Step


class Lock(NamedTuple):
    """A lock: the jid of the job that has it, and the seconds until it ends by itself."""

    holder: str
    seconds: float


async def read(digest: str) -> Lock | None:
    """Return a lock, or None if no job has it. One round trip."""
    holder, milliseconds = await commands.pipeline(
        commands.get(keys.unique(digest)), commands.pttl(keys.unique(digest))
    )
    return None if holder is None else Lock(commands.text(holder), max(milliseconds, 0) / 1000)


async def free(digest: str, holder: str) -> None:
    """Take a lock from the job that has it; nothing happens if another has it by now. One round trip."""
    await step.carry_out(
        [Step(Parts(along=(Part("unique.unlock", keys.unique(digest), (holder,)),)))], repeatable=True
    )
