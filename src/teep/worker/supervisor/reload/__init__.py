"""`teep worker --reload`: workers that start anew when their code changes, for development.

| file | holds |
|---|---|
| `reloader.py` | the supervisor that does it |
| `changes.py` | changed files as something to wait for; the only importer of watchfiles |
| `code.py` | the other side: a worker tells which folders its code comes from |
"""

from teep.worker.supervisor.reload.reloader import Reloader

__all__ = ["Reloader"]
