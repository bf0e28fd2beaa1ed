"""`teep demo`: teep at work, on this machine, within a minute.

1. `fleet/`: two worker processes analyse every file of Python's standard library, a job a file. At half time one of
   them is killed with `kill -9`; the screen shows its jobs rescued, and every file accounted for.
2. `speed`: how many jobs that do nothing a worker runs in a second, beside a bare loop.
3. `api/`: calls of the data API, typed and answered: a glance, or with `--tour` a long tour.
4. `features`: a batch, a tick of a periodic job and a limit, each in a line.

All of it happens in a temporary folder, on an embedded server of its own. `jobs` is the code that a user would write;
`run` tells the whole story in order.
"""

from teep.demo.run import run

__all__ = ["run"]
