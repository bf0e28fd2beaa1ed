"""The folders that a worker's code comes from, and the worker's side of a reload: it tells its supervisor of them."""

import sys
import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from teep.runtime.service import OnError, Service
from teep.worker.supervisor.supervised import Channel

_INSTALLED = ("site-packages", "dist-packages")


class CodeFolders(Service):
    """Tells the supervisor of the folders of all imported modules, within a second of the import."""

    def __init__(self, channel: Channel, on_error: OnError) -> None:
        super().__init__("code", on_error)
        self._channel = channel
        self._told: set[str] = set()

    def run_once(self) -> None:
        self._tell(_imported())

    def pause(self) -> float:
        return 1.0

    def tell_of(self, error: BaseException) -> None:
        """Tell of the code that an import has failed in, too: it is in no module."""
        self._tell([*_imported(), *_of_error(error)])

    def _tell(self, files: Iterator[str] | list[str]) -> None:
        library = tuple(f"{sysconfig.get_path(kind)}/" for kind in ("stdlib", "platstdlib"))
        own = {str(Path(file).absolute().parent) for file in files if _is_own(file, library)}
        for folder in sorted(own - self._told):
            if self._channel.tell_of_code(folder):
                self._told.add(folder)


def _imported() -> Iterator[str]:
    for module in list(sys.modules.values()):
        file = module.__dict__.get("__file__") if isinstance(module, ModuleType) else None
        if isinstance(file, str):
            yield file


def _of_error(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        if isinstance(error, SyntaxError) and error.filename:
            yield error.filename
        for frame, _ in traceback.walk_tb(error.__traceback__):
            yield frame.f_code.co_filename
        error = error.__cause__ or error.__context__


def _is_own(file: str, library: tuple[str, ...]) -> bool:
    """Tell whether a file is code that is neither Python's own nor installed."""
    # A message is a line, so a folder whose name has a newline is left out.
    is_code = file.endswith(".py") and file.isprintable()
    return is_code and not any(name in Path(file).parts for name in _INSTALLED) and not file.startswith(library)
