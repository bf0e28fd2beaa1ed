"""Several worker processes under one parent, which starts, replaces and stops them.

| file | holds |
|---|---|
| `supervisor.py` | the parent's loop: signals, children's messages, children that ended or are missing |
| `slots.py` | a child's place, how long to wait before it is filled again, and all children |
| `stop.py` | the stop of all children |
| `child.py` | a child as the parent sees it |
| `launcher.py` | starting a child: a fork of the parent, or an interpreter of its own |
| `handover.py` | a new interpreter takes the children over, so that it runs new code |
| `health_endpoint.py` | health checks, answered in the parent's loop |
| `health.py` | the health of all children, for health checks |
| `signals.py` | signals as something to wait for, together with children |
| `reload/` | workers that start anew when their code changes |
| `rescue.py` | the last rescue after the last child, if one crashed |
| `supervised.py` | the other side: a worker that has a parent |
"""

from teep.worker.supervisor.supervisor import Supervisor

__all__ = ["Supervisor"]
