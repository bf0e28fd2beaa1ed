"""The data API, as one would type it: a glance of forty lines, or a tour.

| file | holds |
|---|---|
| `show.py` | calls that are shown and run, and their answers |
| `glance.py` | a call or two a noun |
| `tour.py` | a chapter a noun, for `teep demo --tour` |
| `report.py` | the tour's table of what the jobs have counted |
"""
