"""`teep demo`: teep at work, on this machine, within a minute.

A real worker process analyses every file of Python's standard library, a job a file; then a tour types calls of the
data API and shows what they answer. All of it happens in a temporary folder, on an embedded server of its own.

`jobs` is the code that a user would write; `run` tells the whole story in order.
"""

from teep.demo.run import run

__all__ = ["run"]
