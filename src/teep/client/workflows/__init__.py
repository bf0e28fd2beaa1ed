"""Workflows: jobs that wait for one another.

| file | holds |
|---|---|
| `workflow` | a workflow as programs make it |
| `canvas` | `chain` and `group` |
| `drafts` | its nodes before they are pushed |
| `order` | whether they can be put in order, before anything is pushed |
| `starting` | the pushes that add them |
| `store/workflows.py`, `wire/lua/lib/workflow/` | the same in Redis |
| `docs/workflows.md` | the page for users |
"""

from teep.client.workflows.canvas import chain, group
from teep.client.workflows.drafts import Handle
from teep.client.workflows.workflow import Workflow

__all__ = ["Handle", "Workflow", "chain", "group"]
