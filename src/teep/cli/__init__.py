"""The command line: `teep …`."""

import sys
from importlib.util import find_spec

__all__ = ["main"]


def main() -> None:
    """Run the command line. It is installed with every teep; the extra that it needs is not."""
    if None in map(find_spec, ("click", "rich")):
        sys.exit("the teep command needs click and rich: pip install 'teep[cli]'")
    from teep.cli import app

    app.main()
