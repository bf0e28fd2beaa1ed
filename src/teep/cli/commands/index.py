"""All commands by their sections, each with its module, and in a sentence: all that a group's help needs.

So a command is imported only when it is asked for. To import them all takes as long as to run one.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Entry(NamedTuple):
    """A command: a function of its name in this module of the package, whose docstring is the help.

    `summary` is how that begins. A group has entries instead of a module.
    """

    module: str
    summary: str
    group: Mapping[str, "Entry"] = {}


EMBEDDED = {
    "status": Entry(
        "embedded", "Show where the embedded server keeps its data, whether it runs, and how large they are."
    ),
    "reset": Entry("embedded", "Remove every job, set and counter of the embedded server."),
}

SECTIONS = {
    "Look": {
        "top": Entry("looking.top", "Show queues, jobs, errors and processes live in the terminal."),
        "stats": Entry("looking.stats", "Show the counters, and how many jobs wait where."),
        "queues": Entry("looking.queues", "Show every queue."),
        "errors": Entry("looking.errors", "Show what failed."),
        "jobs": Entry("looking.jobs", "List the jobs of a queue or a set."),
        "job": Entry("looking.job", "Show everything about one job, wherever it is."),
        "result": Entry("looking.result", "Show what has become of a job, and what it returned."),
        "processes": Entry("looking.processes", "Show the processes and the jobs that run in them."),
        "periodic": Entry("looking.periodic", "Show the periodic jobs and when each runs next."),
        "batches": Entry("looking.batches", "Show the batches and workflows, the newest first."),
        "limits": Entry("looking.limits", "Show the limits that were used lately."),
    },
    "Act": {
        "retry": Entry("acting.jobs", "Send jobs that failed, are dead or scheduled back."),
        "kill": Entry("acting.jobs", "Move jobs to the dead set."),
        "delete": Entry("acting.jobs", "Delete jobs for good."),
        "move": Entry("acting.jobs", "Move jobs to another queue."),
        "pause": Entry("acting.pausing", "Stop workers from taking jobs out of queues."),
        "unpause": Entry("acting.pausing", "Let workers take jobs out of queues again."),
        "cancel": Entry("acting.cancel", "Cancel jobs by their jids."),
    },
    "Run": {
        "worker": Entry("worker", "Run jobs until TERM or INT."),
        "web": Entry("web", "Serve the web page."),
        "push": Entry("running.push", "Push a job, with the options of its definition."),
        "run": Entry("running.run", "Run a job in this process."),
        "console": Entry("running.console", "Open a Python prompt with all of teep imported."),
    },
    "Set up, and try": {
        "demo": Entry("demo", "See it work."),
        "bench": Entry("bench", "Measure how fast teep is on this machine and this Redis."),
        "config": Entry("config", "Show the settings of a worker with these flags."),
        "embedded": Entry("", "The embedded server of this folder's project.", EMBEDDED),
        "completion": Entry("completion", "Print the script with which a shell completes teep's commands."),
    },
}
