"""Where the middleware of a framework runs: in a thread, or on an event loop."""

import asyncio


def is_on_a_loop() -> bool:
    """Tell whether an event loop runs in this thread: the job is an `async def` one."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
