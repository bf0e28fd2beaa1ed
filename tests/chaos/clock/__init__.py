"""Leaders that are killed, stopped, frozen and cut off while twenty entries fire each second; then an exact account.

Nobody runs what is fired: it stays in its queue, where each tick of each entry must lie once. `worker.py` is a worker
with a shorter lease, `play.py` tells the story, `account.py` draws up the account, and `watch.py` says when each tick
came.
"""
