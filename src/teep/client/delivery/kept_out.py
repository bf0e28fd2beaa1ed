"""Reports jobs that were not pushed because a feature kept them out, such as a unique job's lock."""

from collections.abc import Collection

from teep.store import features
from teep.store.jobs.pushes import KeptOut


def tell(jobs: list[KeptOut]) -> Collection[str]:
    """Have each feature report the jobs that it kept out, and return their jids."""
    for job in jobs:
        features.kept_out(*job)
    return {job.jid for job in jobs}
