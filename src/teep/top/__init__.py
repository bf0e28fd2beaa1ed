"""`teep top`: the web page's tabs in a terminal, live, with Sidekiq's keys.

Only this room imports Textual. It stands on the data API alone: it reads and acts through that, never by commands
of its own. `app` has the program, `tabs/` one file a tab.
"""

import os
import sys
from importlib.util import find_spec

from teep.config import Config
from teep.errors import ConfigurationError


def must_be_possible() -> None:
    """Look whether there is all that it needs.

    Raises:
        ConfigurationError: Textual is not installed, or there is no terminal.
    """
    if find_spec("textual") is None:
        raise ConfigurationError("teep top needs Textual: pip install 'teep[tui]'")
    if not all(stream is not None and stream.isatty() for stream in (sys.__stdin__, sys.__stderr__)):
        raise ConfigurationError("teep top needs a terminal; in a pipe, teep stats --json tells the figures")


def run(config: Config, *, read_only: bool = False, interval: float = 2.0) -> None:
    """Show a fleet until someone quits. `interval` is the seconds between two looks at Redis."""
    from teep.top.app import Top  # noqa: PLC0415 - it needs Textual
    from teep.top.heard import heard  # noqa: PLC0415 - as above

    for name in ("COLUMNS", "LINES"):  # where they are exported they are believed, also once the terminal is resized
        os.environ.pop(name, None)
    app = Top(config, read_only=read_only, interval=interval)
    with heard(app.tell):
        app.run()
