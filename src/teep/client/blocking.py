"""Finds calls of a thread client on an event loop: they work, and hold up the loop.

1. A call that is awaited is refused before anything is done: its result is no coroutine, so the caller would see an
   error after the push, and try again.
2. Any other call gets a warning, once a place. In IPython and Jupyter it gets none, as a loop always runs there.
"""

import builtins
import dis
import sys
import warnings
from functools import lru_cache
from types import CodeType, FrameType
from typing import Any

from teep.errors import BlockingPush, NotAsync
from teep.wire.command import Plan

_OWN = __name__.partition(".")[0]


def is_on_loop() -> bool:
    """Whether an event loop runs in this thread. Does not load asyncio."""
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None  # noqa: SLF001 - it is documented


def check(plan: Plan[Any], *, warns: bool, named: tuple[str, str] | None = None) -> None:
    """Look at the code that called the client, for a plan that is about to run.

    `named` is what the code did, and what it should do instead; None: it called a verb.

    Raises:
        NotAsync: it awaits the result. The plan is closed.
    """
    verb, caller = _call(getattr(plan, "__name__", "a push"))
    if caller is None:
        return
    instead = f"await job.aio.{verb}(...)" if verb.startswith("perform") else f"AsyncClient and await its {verb}"
    verb, instead = named or (verb, instead)
    if _is_awaited(caller.f_code, caller.f_lasti):
        plan.close()
        raise NotAsync(f"{verb} is not async, so nothing was done: use {instead}")
    if warns and not hasattr(builtins, "__IPYTHON__"):
        said = f"{verb} holds up the event loop of this thread until Redis answers: use {instead}"
        # Not `warn`, whose stack level would be another one for each way to the client.
        warnings.warn_explicit(
            said,
            BlockingPush,
            caller.f_code.co_filename,
            caller.f_lineno,
            caller.f_globals.get("__name__"),
            caller.f_globals.setdefault("__warningregistry__", {}),
        )


def _call(operation: str) -> tuple[str, FrameType | None]:
    """Return the verb of teep that the innermost foreign code has called, and the frame of that code."""
    verb = operation
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - as warnings does
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _OWN:
        name = frame.f_code.co_name
        if name.startswith("perform"):
            verb = name
        frame = frame.f_back
    return verb, frame


@lru_cache(maxsize=256)
def _is_awaited(code: CodeType, at: int) -> bool:
    """Tell whether the code awaits the result of its call at this offset at once."""
    # Python 3.11 makes a call of two instructions and stands at either.
    following = (each.opname for each in dis.get_instructions(code) if each.offset > at and each.opname != "CALL")
    return next(following, "") == "GET_AWAITABLE"
