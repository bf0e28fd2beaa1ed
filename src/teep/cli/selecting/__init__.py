"""The jobs that a command is about, and what it does to them.

| module | holds |
|---|---|
| `flags` | SELECTION, the words of a filter, and the flags that mean the same |
| `chosen` | the queue or set, and the jobs of it that are meant |
| `acting` | the question, the progress, and a stop half way |
| `queues`, `completing` | the names of queues, also for a shell that completes |
"""
