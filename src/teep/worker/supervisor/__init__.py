"""Several worker processes under one parent, which starts, replaces and stops them.

| file | holds |
|---|---|
| `supervisor.py` | the parent's loop: signals, what children say, who ended, who is missing |
| `slots.py` | a child's place, and how long to wait before it is filled again |
| `child.py` | a child as the parent sees it |
| `launcher.py` | how a child begins: a fork of the parent, or an interpreter of its own |
| `handover.py` | how a new interpreter takes the children over, so that it runs new code |
| `health_endpoint.py` | health checks, in the parent's loop |
| `health.py` | what health checks are told of all children |
| `signals.py` | signals, to be waited for together with all else |
| `rescue.py` | what is left to do after the last child, where one crashed |
| `supervised.py` | the other side: a worker that has a parent |
"""

from teep.worker.supervisor.supervisor import Supervisor

__all__ = ["Supervisor"]
