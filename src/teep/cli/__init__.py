"""The command line: `teep …`."""

import gc
import sys
from importlib.util import find_spec

__all__ = ["main"]

_ALLOCATIONS = 50_000
"""Objects between two looks for garbage. The imports of a command make that many, and none of them is garbage."""


def main() -> None:
    """Run the command line. Every teep installs this function, but not the extra that it needs."""
    if None in map(find_spec, ("click", "rich")):
        sys.exit("the teep command needs click and rich: pip install 'teep[cli]'")
    if sys.argv[1:2] != ["worker"]:
        gc.set_threshold(_ALLOCATIONS)
    from teep.cli import app

    app.main()
