"""What a client says of jobs that were not pushed since a feature's guard kept them out."""

from collections.abc import Collection

from teep.store import features
from teep.store.jobs.pushes import KeptOut


def tell(jobs: list[KeptOut]) -> Collection[str]:
    """Have each feature tell of the jobs that it kept out, and return their jids."""
    for job in jobs:
        features.kept_out(*job)
    return {job.jid for job in jobs}
