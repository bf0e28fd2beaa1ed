"""Batches among the jobs of a scenario, and what must hold of them at the end.

| file | holds |
|---|---|
| `plans` | what a batch is made of, drawn from a seed |
| `opener` | makes batches as the pusher does jobs: in one step or several, in each other, added to later |
| `jobs` | jobs that add to their own batch, or open one and may be killed in the middle |
| `made` | what is known of a batch, and what those jobs have written of theirs |
| `account` | every event once, and never before its time |
| `remains` | what Redis holds of batches at the end, and after their linger |
"""
