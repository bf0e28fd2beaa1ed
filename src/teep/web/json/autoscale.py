"""/api/autoscale: how much there is to do for how many threads, for KEDA and its like."""

import math

from starlette.requests import Request
from starlette.responses import Response

from teep.web import urls
from teep.web.json import gauges
from teep.web.json.answers import answer
from teep.web.rendering import printable, visit_of

# Threads of a replica, if nothing says and no process lives.
_THREADS = 10


async def autoscale(request: Request) -> Response:
    """Answer for some queues (`?queue=a&queue=b`, default: all), and replicas of so many `threads`.

    What is due in the sets counts as work of any queue. `load` is in replicas: aim at 1 for each.
    """
    now = await gauges.lately(visit_of(request).site)
    wanted = [name for text in request.query_params.getlist("queue") for name in text.split(",") if name]
    queues = [queue for queue in now.queues if not wanted or queue.name in wanted]
    serving = [process for process in now.processes if not wanted or set(wanted) & set(process.queues)]
    living = sum(process.threads for process in serving)
    usual = round(living / len(serving)) if serving else _THREADS
    threads = urls.integer(request.query_params, "threads", range(1, 100_000), max(usual, 1))
    waiting = sum(queue.size for queue in queues if not queue.paused)
    running = sum(1 for job in now.running if not wanted or job.queue in wanted)
    overdue = sum(due.jobs for due in now.overdue.values())
    load = (waiting + running + overdue) / threads
    return answer(
        {
            "queues": wanted or [printable(queue.name) for queue in queues],
            "waiting": waiting,
            "running": running,
            "overdue": overdue,
            "latency": max((queue.latency for queue in queues if not queue.paused), default=0.0),
            "threads": living,
            "utilization": running / living if living else 0.0,
            "load": load,
            "desired": math.ceil(load),
        }
    )
