"""The description of a worker in the process hash, written once."""

import os
import time
from collections.abc import Iterable, Sequence
from typing import Any

from teep.runtime import identity
from teep.runtime.component import Component
from teep.version import __version__
from teep.worker.run.capsule import Capsule


def queues_of(capsules: Iterable[Capsule]) -> list[str]:
    """Return the queues that these capsules serve."""
    return [queue for capsule in capsules for queue in capsule.order.weights]


def process_info(component: Component, capsules: Sequence[Capsule], *, embedded: bool) -> dict[str, Any]:
    """Return the fields that Sidekiq's API and Web UI read."""
    config = component.config
    return {
        "hostname": identity.hostname(),
        "started_at": time.time(),
        "pid": os.getpid(),
        "tag": config.tag,
        # Sidekiq before 8.1.2 reads the concurrency here, later ones in a field of its own.
        "concurrency": config.total_concurrency,
        "capsules": {
            capsule.name: {
                "concurrency": capsule.concurrency,
                "mode": capsule.order.mode,
                "weights": dict(capsule.order.weights),
            }
            for capsule in capsules
        },
        "queues": queues_of(capsules),
        "weights": [dict(capsule.order.weights) for capsule in capsules],
        "labels": list(config.labels),
        "identity": component.identity,
        "version": f"teep {__version__}",
        "embedded": embedded,
    }
