"""Watches from beside how far each entry has come: so the account knows how late each tick was."""

import threading
import time
from collections.abc import Callable
from typing import Self

import redis

from tests.support.servers import Server

_EVERY = 0.05


class Watch:
    """Looks at the last ticks, again and again, by a clock that nobody moves. Also a context manager."""

    def __init__(self, server: Callable[[], Server], names: list[str]) -> None:
        self._server = server
        self._names = names
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)
        self.came: dict[str, dict[int, float]] = {name: {} for name in names}
        """By entry, when each tick was seen first to be over (epoch seconds)."""

    def late(self, name: str, tick: int) -> float | None:
        """Return by how many seconds a tick was late, or None if it is not over."""
        at = min((at for seen, at in self.came[name].items() if seen >= tick), default=None)
        return None if at is None else at - tick

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(_EVERY):
            try:
                found = self._server().command("HMGET", "teep:periodic:last", *self._names)
            except (redis.RedisError, OSError, RuntimeError):  # it is away
                continue
            now = time.time()
            for name, last in zip(self._names, found, strict=True):
                if last is not None:
                    self.came[name].setdefault(int(float(last)), now)
