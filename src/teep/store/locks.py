"""The locks of unique jobs, where they are given back apart from the step that settles a job."""

from collections.abc import Iterable

from teep.wire import scripts, unique


async def release(raws: Iterable[bytes]) -> None:
    """Give back the locks of these jobs, where they have any. One round trip then, else none."""
    if locks := [lock for raw in raws if (lock := unique.held(raw)) is not None]:
        await scripts.unlock(locks)
