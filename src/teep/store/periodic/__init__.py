"""Periodic jobs: their entries, the tick that each has fired last, and their last runs.

1. An entry is a value: when it is due, and the job to push then. It is JSON in a hash, by name.
2. A tick is fired by one step: the entry's last tick grows, and the job is pushed, or neither happens. So any number
   of processes may fire the same tick at the same time, also of an entry that is being changed.
3. What an entry has fired, whether it is paused, and its runs lie beside it, so a changed entry keeps them.
"""
