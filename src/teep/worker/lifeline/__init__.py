"""The lifeline: keeps a worker known to Redis while a job holds its interpreter.

No thread of a worker runs while a C call holds the GIL, the heartbeat's neither; after a minute others would take the
worker for dead and run its jobs a second time. So someone outside of the interpreter watches its beats: a small
process of its own, or the worker's supervisor, which starts that process when it is needed.
"""

from teep.worker.lifeline.lifeline import Lifeline, Watcher, patience

__all__ = ["Lifeline", "Watcher", "patience"]
