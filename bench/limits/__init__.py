"""The part "limits" of a run: what a limit costs, how near jobs come to it, and that it is never over-used.

| module | measures |
|---|---|
| `trips` | a call of each kind beside a bare script |
| `crowd` | jobs of 10 ms in 50 threads under a limit of 5 |
| `fleet` | 8 processes that want more than limits let through |
| `run` | all of it, as a section of the report |
"""
