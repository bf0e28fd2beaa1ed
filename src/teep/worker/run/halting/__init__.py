"""Ending a running job from outside: its time is up, it was cancelled, or its process stops.

| module | holds |
|---|---|
| `timeouts` | the jobs that must end, and when |
| `interrupts` | raising an exception in a job's thread, and in no other code |
| `cancellations` | the jobs that were cancelled lately, wherever they are |
| `stacks` | the stack of a running job, for the log |
"""
