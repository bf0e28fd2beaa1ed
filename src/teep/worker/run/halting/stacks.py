"""The stacks of a running job, and of every thread, for the log."""

import sys
import threading
import traceback
from types import CoroutineType, FrameType
from typing import Any


def of_thread(ident: int) -> str:
    """Return the stack of a thread, from any other."""
    frame = sys._current_frames().get(ident)  # noqa: SLF001 - Python's documented way
    return "".join(traceback.format_stack(frame)) if frame is not None else ""


def of_all_threads() -> list[tuple[str, str]]:
    """Return the name of each thread that runs now, and its stack."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    frames = sys._current_frames()  # noqa: SLF001 - as above
    return [(names.get(ident, str(ident)), "".join(traceback.format_stack(frame))) for ident, frame in frames.items()]


def of_coroutine(awaited: Any) -> str:
    """Return the stack of a waiting coroutine, down to the one that it awaits; `Task.get_stack` has only its top."""
    frames: list[tuple[FrameType, int]] = []
    while isinstance(awaited, CoroutineType) and awaited.cr_frame is not None:
        frames.append((awaited.cr_frame, awaited.cr_frame.f_lineno))
        awaited = awaited.cr_await
    return "".join(traceback.StackSummary.extract(iter(frames)).format())
