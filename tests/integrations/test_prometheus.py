"""What Prometheus would scrape, of one process and of several."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from teep.integrations.prometheus import Prometheus
from tests.integrations.conftest import Jobs
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

_APP = """
import os, time
from pathlib import Path
import teep
from teep.integrations.prometheus import Prometheus

teep.default_config().use(Prometheus())

@teep.job(name="counted")
def counted() -> None:
    # Go on when both processes have one.
    meeting = Path(os.environ["MEETING"])
    (meeting / str(os.getpid())).touch()
    while len(list(meeting.iterdir())) < 2:
        time.sleep(0.01)
"""


def _counts(registry: CollectorRegistry, klass: str) -> dict[str, float | None]:
    labels = {"class": klass, "queue": "default"}
    return {
        ending: value
        for ending in ("success", "failure", "interrupted")
        if (value := registry.get_sample_value("teep_jobs_total", {**labels, "ending": ending})) is not None
    }


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def test_every_run_is_counted_and_timed(fleet: Fleet, jobs: Jobs, registry: CollectorRegistry) -> None:
    fleet.config.use(Prometheus(registry))
    jobs.run_in_every_way()
    expected = {"success": 1, "failure": 2, "interrupted": 2}
    # The stopped run tells of itself after the worker let go of it.
    wait_until(lambda: _counts(registry, "app.work") == expected, SOON, lambda: str(_counts(registry, "app.work")))
    labels = {"class": "app.work", "queue": "default"}
    assert registry.get_sample_value("teep_job_seconds_count", labels) == 5
    assert registry.get_sample_value("teep_job_seconds_bucket", {**labels, "le": "3600.0"}) == 5
    assert (registry.get_sample_value("teep_job_seconds_sum", labels) or 0) >= 0.05
    assert registry.get_sample_value("teep_job_wait_seconds_count", {"queue": "default"}) == 5


def test_how_long_a_job_waited(fleet: Fleet, jobs: Jobs, registry: CollectorRegistry) -> None:
    fleet.config.use(Prometheus(registry, buckets=(1, 100)))
    fleet.push_raw(b'{"class":"app.work","args":["succeed"],"jid":"0","enqueued_at":1.5}')
    fleet.start(fleet.config)
    fleet.wait_until_processed(1)
    assert registry.get_sample_value("teep_job_wait_seconds_bucket", {"queue": "default", "le": "100.0"}) == 0
    assert (registry.get_sample_value("teep_job_wait_seconds_sum", {"queue": "default"}) or 0) > 1e9


def test_processes_of_a_supervisor_add_up(fleet: Fleet, tmp_path: Path, registry: CollectorRegistry) -> None:
    (tmp_path / "counted_app.py").write_text(_APP, "utf-8")
    measured, meeting = tmp_path / "measured", tmp_path / "meeting"
    measured.mkdir()
    meeting.mkdir()
    supervised = fleet.supervise(
        2, "-c", "1",
        program=("teep", "worker", "counted_app"),
        path=tmp_path,
        environment={"PROMETHEUS_MULTIPROC_DIR": str(measured), "MEETING": str(meeting)},
    )  # fmt: skip
    for _ in range(10):
        fleet.push("counted")
    fleet.wait_until_processed(10)
    supervised.close()
    files = {path.name for path in measured.glob("counter_*.db")}
    assert len(files) == 2, files
    MultiProcessCollector(registry, path=str(measured))  # type: ignore[no-untyped-call]
    assert _counts(registry, "counted") == {"success": 10}
