"""Batches and workflows among the jobs of a scenario, and what must hold of them at the end.

| file | holds |
|---|---|
| `plans`, `flows` | what a batch or a workflow is made of, drawn from a seed |
| `opener`, `sheet` | makes them as the pusher does jobs: in one step or several, in each other, added to later |
| `jobs` | jobs that add to their own batch, or open one and may be killed in the middle |
| `made` | what is known of a batch and its jobs, and what those jobs have written of theirs |
| `account`, `nodes`, `holding` | every event once, and never before its time; every node as its edges say |
| `remains` | what Redis holds of batches at the end, and after their linger |
"""
