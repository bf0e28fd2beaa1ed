"""Batches: jobs that are pushed together or one by one, and callbacks that are pushed once all are over.

| file | holds |
|---|---|
| `batch` | a batch as programs make it |
| `block` | `with batch.jobs():`, which collects pushes and sends them with the batch |
| `indexing` | indices for the jobs of a block that is sent in several steps |
| `callbacks` | a job with its arguments, ready to be pushed at an event |
| `client/delivery/blocks.py` | the block that code is in, as pushes ask for it |
| `features/batch/` | the ends of its jobs, invalid batches, the leader's look |
| `store/batches.py`, `store/compact.py`, `wire/lua/lib/batch.lua` | the same in Redis |
| `docs/batches.md` | the page for users |
"""

from teep.client.batches.batch import Batch

__all__ = ["Batch"]
