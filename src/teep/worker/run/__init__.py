"""The run of a reserved job, from its slot to its outcome.

| module | holds |
|---|---|
| `capsule`, `loop` | the slots: threads, and tasks on the event loop |
| `capsules` | all capsules of a worker |
| `guards`, `poison` | checks that may keep a job from running |
| `processor` | the stages of a run, for a thread and for the loop |
| `run` | a run as a value, and how it ended |
| `settling`, `failure/` | the outcome of the job |
| `observers` | counting, logging, and calling the handlers |
| `work_set` | the jobs that run now |
| `halting/` | ending a run from outside |
| `foreign` | the end of a run in a fork |
"""
