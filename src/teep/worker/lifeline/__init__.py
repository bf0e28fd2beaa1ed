"""The lifeline: keeps a worker known to Redis while a job holds its interpreter.

While a C call holds the GIL, no thread of a worker runs, not even its heartbeat. After a minute other workers would
take it for dead and run its jobs a second time. So a companion process watches its heartbeats, and after two missed
ones sends heartbeats on its behalf. Under a supervisor, the supervisor watches, and starts that process only then.
"""

from teep.worker.lifeline.lifeline import Lifeline, Watcher, patience

__all__ = ["Lifeline", "Watcher", "patience"]
