"""A supervisor that starts its workers anew when a file of their code changes. For development.

1. Each worker is an interpreter of its own, which imports for itself, and tells which folders its code comes from.
2. When a `.py` file in one of them changes, all workers stop as on a second Ctrl-C: running jobs return to their
   queues at once, without counting an attempt. Then as many start.
3. A worker that cannot start has said why. The next one starts when a file changes.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

from teep.config import Config
from teep.embedded.project import working_folder
from teep.telling import Logger
from teep.worker.supervisor.child import Child
from teep.worker.supervisor.reload.changes import Changes
from teep.worker.supervisor.reload.code import CodeFolders
from teep.worker.supervisor.slots import Backoff, Slot
from teep.worker.supervisor.stop import Stop
from teep.worker.supervisor.supervised import Channel
from teep.worker.supervisor.supervisor import Supervisor

logger = Logger("teep")

_NAMED = 3  # files in a log line


class Reloader(Supervisor):
    """Runs `config.processes` workers, also a single one, with the code as it is now.

    The arguments are as for `Supervisor`.
    """

    def __init__(
        self,
        config: Config,
        *modules: str,
        configured: Callable[[], Config] | None = None,
        check: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(config, *modules, spawn=True, configured=configured, check=check)
        self._folders: set[str] = set()
        self._reloading = False
        self._begun = time.time()

    def _serve(self, channel: Channel) -> bool:
        code = CodeFolders(channel, _on_error)
        code.start()
        try:
            return super()._serve(channel)
        except Exception as error:
            code.tell_of(error)
            raise

    def _supervise(self) -> None:
        with closing(Changes()) as self._changes:
            # Modules are imported from the working folder: one that is missing may appear there.
            self._changes.watch([str(working_folder() or "")], self._begun)
            super()._supervise()

    def _sources(self) -> Iterator[Any]:
        yield from super()._sources()
        yield self._changes

    def _heed(self, child: Child, word: str, rest: str) -> None:
        if word == "code":
            self._folders.add(rest)
        super()._heed(child, word, rest)

    def _turn(self) -> None:
        super()._turn()
        self._changes.watch(self._folders, self._begun)
        changed = self._changes.read()
        if changed and not self._quiet and not self._stop.has_begun:
            self._reload(changed)
        if self._reloading and not self._children:
            self._reloading = False
            self._stop = Stop(self._children, self._config.timeout)
            self._begun = time.time()
            self._fill()

    def _reload(self, changed: list[str]) -> None:
        here = working_folder() or os.sep
        names = [os.path.relpath(file, here) for file in changed[:_NAMED]]
        more = " …" if len(changed) > _NAMED else ""
        logger.info("%s%s changed: workers start anew", ", ".join(names), more)
        for slot in self._children.slots:
            slot.backoff = Backoff()
        self._reloading = True
        self._stop.begin()
        self._stop.hurry()

    def _obey(self, name: str) -> None:
        if name in ("TERM", "INT"):
            self._reloading = False  # the stop that is under way is for good
        super()._obey(name)

    def _missing(self, slot: Slot, child: Child, code: int) -> None:
        if child.is_up or self._stop.has_begun or self._quiet:
            super()._missing(slot, child, code)
            return
        slot.backoff.until = float("inf")
        logger.error("%s could not start; the next one starts when a file changes", child)


def _on_error(error: BaseException, _service: str) -> None:
    logger.error("changed files of new folders are not noticed: %s", error)
