"""The data API at a glance: a call or two a noun, in about forty lines."""

import secrets
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console

import teep
from teep.demo.api.show import Typist
from teep.demo.files import mend
from teep.demo.jobs import analyse, charge

_CHARGE = 'jid = charge.perform_async("customer 42", "4111 1111 1111 1111")'
_PLAIN = 'jid = analyse.set(queue="orders").perform_async(path)'
CALLS = """
queue = teep.Queue("orders")
job = queue.first()
job.value
job.display_args, str(job.created_at)
stats = teep.Stats()
stats.processed, stats.failed, stats.retry_size, stats.queues
queue.size(), round(queue.latency(), 3), queue.find_job(jid).klass
scheduled = teep.ScheduledSet()
entry = scheduled.find_job(analyse.perform_in(3600, path))
scheduled.size(), str(entry.at), entry.delete()
retries = teep.RetrySet()
entry = next(entry for entry in retries if entry.args == [broken])
entry.error_class, entry.retry_count, str(entry.at)
mend(broken)
entry.retry(), retries.kill_all()
dead = teep.DeadSet()
dead.size(), dead.max_jobs(), dead.timeout()
for process in teep.ProcessSet(): process.pid, process.busy, process.queues
for _, _, work in teep.WorkSet(): work.job.klass, round(work.elapsed, 1)
"""


def show(console: Console, path: str, broken: Path) -> None:
    """Type the calls. `path` is a file to analyse, `broken` one that failed and can be mended."""
    console.print()
    console.rule("[bold]The data API: live, typed, from any Python", align="left", style="dim")
    names: dict[str, Any] = {
        "teep": teep, "analyse": analyse, "charge": charge, "path": path, "broken": str(broken), "mend": mend,
    }  # fmt: skip
    Typist(console, names).type_in(f"{_first(console)}{CALLS}")


def _first(console: Console) -> str:
    """Return the push of the first job: with an encrypted argument, if that can be done here."""
    if find_spec("cryptography") is None:
        console.print(
            "Encrypted arguments need another package: pip install 'teep[encryption]'", style="dim", markup=False
        )
        return _PLAIN
    teep.encryption.enable(active_version=1, key={1: secrets.token_bytes(32)})
    return _CHARGE
