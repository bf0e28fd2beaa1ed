"""The part "batches" of a run: what a batch costs at the push and in Redis, workflows, and waiting for a result.

| module | measures |
|---|---|
| `pushes` | bulk pushes into a batch beside plain ones, and the memory that a batch takes |
| `flows` | a chain beside jobs that push the next one, and layers with barriers beside Celery's chords |
| `waits` | `result(jid).get()` beside the pickup of the same jobs |
| `jobs` | the jobs, and what starts them |
| `run` | all of it, as a section of the report |
"""
