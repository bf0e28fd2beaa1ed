"""Brings jobs from Redis into this process, and tells Redis of their ends.

| module | holds |
|---|---|
| `fetcher` | the threads' side: which thread asks Redis, which ones wait, which are woken |
| `reserver` | the conversation with Redis: settle these jobs, reserve those |
| `ends` | the ends of jobs that Redis has not been told of |
| `settlement` | what Redis answers about those ends |
| `places` | the places where the iterable jobs of a batch begin |
| `mirror` | the jobs that this process holds in flight, to compare with Redis after a lost answer |
| `prefetch` | the number of jobs to reserve at a time |
| `unit` | a reserved job, decoded and matched with its code |
| `tallies` | the runs of each job class by minute, until they are written |
"""
