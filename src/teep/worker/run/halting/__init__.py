"""How a job that runs is ended from outside: its time is up, it was cancelled, or its process stops.

| module | holds |
|---|---|
| `timeouts` | which jobs must end, and when |
| `interrupts` | raising an exception in a job's thread, and in nothing else |
| `cancellations` | which jobs were cancelled lately, wherever they are |
| `stacks` | what a job does right now, for the log |
"""
