"""Results: what a job with `keep_result` returned, or how else it ended, is kept for a time.

| file | holds |
|---|---|
| `feature` | writing it, in the step that ends the job |
| `store/results.py` | the record, and reading it |
| `wire/lua/lib/results.lua` | the same in Redis |
| `api/results.py` | `teep.result(jid)` |
| `docs/results.md` | the page for users |
"""

from teep.features.results.feature import Results

__all__ = ["Results"]
