"""How a reserved job runs, and how it ends.

| module | holds |
|---|---|
| `capsule`, `loop` | the slots: threads, and tasks on the event loop |
| `guards`, `poison` | what may keep a job from running |
| `processor` | the stages of a run, for a thread and for the loop |
| `run` | a run as a value, and how it ended |
| `settling`, `failure`, `retry_in` | what becomes of the job then |
| `observers` | what counts and logs it, and calls the handlers |
| `work_set` | which jobs run now |
| `halting/` | how a run is ended from outside |
| `foreign` | what a run comes to in a fork |
"""
