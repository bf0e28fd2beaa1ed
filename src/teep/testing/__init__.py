"""Testing code that pushes jobs: see docs/testing.md.

1. Modes say where pushes go: `fake` collects them, `inline` runs them at once, `disable` sends them to Redis.
2. `jobs`, `drain`, `perform_one` and `clear` are about the jobs that the innermost `fake` has collected.
3. `assert_enqueued`, `refute_enqueued` and `all_enqueued` look at these jobs, or at Redis.
4. `override` has jobs injected with something else than their `teep.Depends` say.
5. `isolated` begins with no process-wide configuration, for tests of code that makes one.
6. `check_periodic` finds what is wrong with periodic jobs, and `travel` pushes all that are due between two moments.
7. `wait_until` waits until a worker has done something; `worker` has one for this process, `process` one of its own.
8. `plugin` has the fixtures for pytest: `teep_redis` and `teep_worker`.
"""

from teep.config import isolated
from teep.job.injection.overrides import override
from teep.testing.assertions import all_enqueued, assert_enqueued, refute_enqueued
from teep.testing.collecting.collected import Jobs
from teep.testing.collecting.enqueued import EnqueuedJob
from teep.testing.modes import (
    async_drain,
    async_perform_one,
    clear,
    disable,
    drain,
    fake,
    inline,
    jobs,
    perform_one,
)
from teep.testing.periodic import check_periodic, travel
from teep.testing.waiting import wait_until

__all__ = [
    "EnqueuedJob",
    "Jobs",
    "all_enqueued",
    "assert_enqueued",
    "async_drain",
    "async_perform_one",
    "check_periodic",
    "clear",
    "disable",
    "drain",
    "fake",
    "inline",
    "isolated",
    "jobs",
    "override",
    "perform_one",
    "refute_enqueued",
    "travel",
    "wait_until",
]
