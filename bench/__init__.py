"""The benchmark harness behind `make bench`.

`python -m bench` visits every *system* (a program that runs jobs) in turn, for several rounds, with one
*measure* (what is read off a visit), and prints medians with their extremes and the ratios within the run.

| module | holds |
|---|---|
| `system` | what a measure needs of a system, and the systems that run Sidekiq's wire format |
| `systems/` | the programs themselves: bare loops, Ruby's and teep's jobs; `registry` lists them |
| `measure` | what the frame needs of a measure; the rounds |
| `throughput` | the measure of jobs a second, and what a job costs |
| `marks` | how jobs are counted: each marks its own byte of a shared file |
| `server`, `process`, `machine` | Redis, a running system, and the computer: starting, reading counters |
| `report` | the table, for the terminal and as Markdown |
"""
