"""The first part of the demo: two workers, a job for every file, and a `kill -9` at half time.

| file | holds |
|---|---|
| `work.py` | the jobs pushed, and followed until each is accounted for |
| `crash.py` | the kill, and what became of the jobs that the worker had |
| `screen.py` | what it looks like meanwhile, on a terminal and elsewhere |
"""
