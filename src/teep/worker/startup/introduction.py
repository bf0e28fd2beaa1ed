"""The log lines of a worker that starts."""

from collections.abc import Sequence

from teep.config import Config
from teep.config.connections import redis_in_words
from teep.job.definition import Definition
from teep.telling import Logger
from teep.version import __version__
from teep.worker.run.capsule import Capsule
from teep.worker.services.process_info import queues_of
from teep.worker.startup import assignment
from teep.worker.startup.modules import jobs_of, without_jobs

logger = Logger("teep")


def introduce(config: Config, identity: str, modules: Sequence[str], capsules: Sequence[Capsule]) -> None:
    """Log the queues and jobs of a worker, and a warning for each queue that it does not serve or may misspell."""
    jobs = jobs_of(modules)
    logger.info(
        "teep %s runs %s with concurrency %d as %s",
        __version__, ", ".join(queues_of(capsules)), config.total_concurrency, identity,
    )  # fmt: skip
    logger.info("%s; Redis: %s", _jobs_in_words(modules, jobs), redis_in_words(config))
    served = {capsule.name: capsule.own for capsule in capsules}
    for remark in assignment.remarks(config, served, jobs if modules else []):
        logger.warning(remark)


def _jobs_in_words(modules: Sequence[str], jobs: Sequence[Definition]) -> str:
    count = f"{len(jobs)} {'job' if len(jobs) == 1 else 'jobs'}"
    if not modules:
        return f"{count} known"
    words = f"{count} of {', '.join(sorted({job.module for job in jobs}))}"
    empty = [module for module in without_jobs(modules) if not module.startswith("teep.")]
    return f"{words} (none in {', '.join(empty)})" if empty else words
