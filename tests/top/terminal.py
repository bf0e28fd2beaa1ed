"""A terminal as a person has it: tmux, with `teep top` in it."""

import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Self

from tests.cli.running import COMMAND, environment
from tests.support.waiting import wait_until

SOON = 30.0


class Terminal:
    """A tmux of its own that runs one command. Use it as a context manager: it is gone at the end."""

    def __init__(self, folder: Path, *arguments: str, size: tuple[int, int] = (100, 30), **variables: str) -> None:
        if shutil.which("tmux") is None:
            raise RuntimeError("these tests need tmux: apt-get install tmux")
        self._tmux = ["tmux", "-S", str(folder / "tmux"), "-f", "/dev/null"]
        variables = environment(**variables, TERM="xterm-256color")
        variables.pop("COLUMNS", None)
        command = shlex.join([*COMMAND, *arguments]) + "; echo ended with $?; sleep 60"
        width, height = size
        self._run("new-session", "-d", "-x", str(width), "-y", str(height), "sh", "-c", command, env=variables)

    def _run(self, *arguments: str, env: dict[str, str] | None = None) -> str:
        done = subprocess.run([*self._tmux, *arguments], capture_output=True, text=True, check=True, env=env)
        return done.stdout

    @property
    def text(self) -> str:
        """All that is on the screen."""
        return self._run("capture-pane", "-p")

    @property
    def pid(self) -> int:
        """The process id of the shell in it."""
        return int(self._run("display-message", "-p", "#{pane_pid}"))

    def press(self, *keys: str) -> None:
        """Press keys, as tmux names them."""
        self._run("send-keys", *keys)

    def write(self, text: str) -> None:
        self._run("send-keys", "-l", text)

    def resize(self, width: int, height: int) -> None:
        self._run("resize-window", "-x", str(width), "-y", str(height))

    def until(self, *parts: str, without: str = "") -> str:
        """Wait until the screen has all parts, and not another; returns it."""

        def seen() -> str:
            text = self.text
            return text if all(part in text for part in parts) and not (without and without in text) else ""

        return wait_until(seen, SOON, lambda: f"{parts} on the screen, without {without!r}:\n{self.text}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, check=False)
