"""The command line: `teep …`."""

import sys
from importlib.util import find_spec

__all__ = ["main"]


def main() -> None:
    """Run the command line. Every teep installs this function, but not the extra that it needs."""
    if None in map(find_spec, ("click", "rich")):
        sys.exit("the teep command needs click and rich: pip install 'teep[cli]'")
    from teep.cli import app

    app.main()
