"""How jobs get from Redis into this process, and how Redis hears of their ends.

| module | holds |
|---|---|
| `fetcher` | the threads' side: who asks Redis, who waits, who is woken |
| `reserver` | the conversation with Redis: settle these jobs, reserve those |
| `ends` | how jobs ended that Redis has not been told of |
| `places` | where the iterable jobs of a batch are to begin |
| `mirror` | what this process holds in flight, to compare with Redis after a lost answer |
| `prefetch` | how many jobs to reserve at a time |
| `unit` | a reserved job, decoded and matched with its code |
| `tallies` | what each job class did, by minute, until it is written |
"""
