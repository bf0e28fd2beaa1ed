"""Defining jobs: the decorator, the class form, their options, and a running job's context."""

from teep.job.classes import Job
from teep.job.context import JobContext, current_job, current_worker
from teep.job.definition import Definition
from teep.job.functions import JobFunction, job
from teep.job.iterable.iterable import IterableJob
from teep.job.pushing.verbs import AsyncVerbs, Verbs

__all__ = [
    "AsyncVerbs",
    "Definition",
    "IterableJob",
    "Job",
    "JobContext",
    "JobFunction",
    "Verbs",
    "current_job",
    "current_worker",
    "job",
]
