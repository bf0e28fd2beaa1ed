"""Some of the jobs of a queue or set: conditions that select them, verbs for all selected, and pages of them.

| module | holds |
|---|---|
| `where` | `where()`, on every queue and set |
| `filters` | the conditions, and the check of a job against them |
| `words` | the same as a string, such as `class:Import* older:1h`, for the web page, the terminal and the shell |
| `selection` | what `where` returns, with its verbs |
| `sweep` | walks that take the selected jobs out |
| `cursor` | pages by cursor, of all jobs or of those selected |
| `bounds` | how long a page is searched for, and from how many jobs on a verb is confirmed by their number |
"""
