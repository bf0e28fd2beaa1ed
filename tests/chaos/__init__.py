"""Real workers on real servers while everything around them breaks, and then an exact account.

`scenario.py` tells the story: a stage (`stage.py`), a pusher (`pusher.py`), faults drawn from a seed (`faults.py`),
and the account (`account.py`, `causes.py`). The jobs write their own journal (`jobs.py`, `journal.py`), a file that
no fault reaches. `make chaos` runs it in full, `make test` in a short form; both say how to replay what they ran.
"""
