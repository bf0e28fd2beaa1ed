"""The benchmark harness behind `make bench`.

`python -m bench [PART…]` measures its parts, each side by side with others. All systems are visited in turn, for
several rounds; medians are printed with their extremes and the ratios within the run. `make bench ARGS="…"`
passes options on; `python -m bench --help` lists them.

| part | measures |
|---|---|
| `throughput` | no-op jobs a second, the cost of one, and the start-up |
| `pickup` | how soon an idle process runs a job, and the cost of idling |
| `enqueue` | jobs pushed a second |
| `naps` | jobs of 1 ms and of 100 ms, at concurrency 10 and 100 |
| `delay` | no-op jobs with 1 ms of network in between, by `proxy` |
| `api/` | the data API, operation by operation, beside Sidekiq's |
| `recovery` | ten running jobs after SIGKILL; up to 90 s a system, so only if it is named |

| module | holds |
|---|---|
| `measure`, `comparison` | the class of measures; the rounds in which systems are visited, and their table |
| `system`, `registry` | the class of a *system* (a program that runs jobs); all that there are |
| `systems/` | the code in the measured processes: the jobs, the floors, the clients; `push` pushes for all |
| `peers/` | the other job systems of Python and their versions; `environments` installs them under `.bench/` |
| `visit`, `marks` | one visit to one system; how jobs are counted: each marks its own byte of a shared file |
| `server`, `process`, `machine` | Redis, a running program, and the computer: starting, reading counters |
| `figures`, `report`, `progress` | short figures; the tables for the terminal and the Markdown page; the bar |
"""
