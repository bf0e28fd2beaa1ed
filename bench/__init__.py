"""The benchmark harness behind `make bench`.

`python -m bench [throughput] [api]` measures its parts, each side by side with others: everything is visited in turn,
for several rounds, and medians are printed with their extremes and the ratios within the run.

| module | holds |
|---|---|
| `throughput` | the measure of jobs a second, and what a job costs |
| `system`, `systems/` | what it needs of a *system* (a program that runs jobs), and they; `registry` lists them |
| `measure`, `comparison` | the rounds in which systems are visited, and their table |
| `marks` | how jobs are counted: each marks its own byte of a shared file |
| `api/` | the data API, operation by operation, beside Sidekiq's |
| `server`, `process`, `machine` | Redis, a running program, and the computer: starting, reading counters |
| `figures`, `report`, `progress` | short figures; the tables for the terminal and the Markdown page; the bar |
"""
