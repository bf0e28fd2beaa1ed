"""Real workers on real servers while everything around them breaks, and then an exact account.

`scenario.py` tells the story: a server or two (`stage.py`) with workers (`crew.py`, `worker.py`), someone who pushes
(`pusher.py`, `kinds.py`), faults drawn from a seed (`faults.py`), and at the end the account (`account.py`,
`causes.py`; of batches and workflows, `batches/`). It compares what Redis shows (`picture.py`) with what the jobs
(`jobs.py`) wrote into a file that no fault reaches (`journal.py`), and with the faults' own record (`timeline.py`).

`make test` plays it in short, `make chaos` in full; both print the seeds, and what they came to (`table.py`).
"""
