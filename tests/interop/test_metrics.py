"""Each side's queries read the execution metrics that the other one wrote, and processes are pruned side by side."""

import pytest

import teep
from tests.interop.conftest import PythonTeepFactory, RubySidekiqFactory
from tests.interop.ruby_side import Ruby
from tests.support.servers import Server
from tests.support.waiting import wait_until


@pytest.mark.sidekiq("7.3", "8.1")  # 6.4 writes no metrics
def test_python_reads_what_ruby_wrote(ruby: Ruby, python: teep.Config, ruby_sidekiq: RubySidekiqFactory) -> None:
    ruby.perform_bulk("EchoJob", [[number] for number in range(5)])
    ruby.perform_async("FragileJob")
    ruby_sidekiq()
    metrics = teep.MetricsQuery(config=python)
    wait_until(lambda: metrics.for_job("EchoJob").job_results["EchoJob"].totals["p"] == 5, 15, "Ruby's metrics")
    echo = metrics.for_job("EchoJob").job_results["EchoJob"]
    assert sum(map(sum, echo.hist.values())) == 5
    wait_until(lambda: metrics.for_job("FragileJob").job_results["FragileJob"].totals["f"] == 1, 15, "the failure")
    assert {"EchoJob", "FragileJob"} <= metrics.top_jobs().job_results.keys()


@pytest.mark.sidekiq("8.1")  # teep writes Sidekiq 8's keys, which 7.3 does not know
def test_ruby_reads_what_python_wrote(ruby: Ruby, python: teep.Config, python_teep: PythonTeepFactory) -> None:
    client = teep.Client(python)
    client.push_bulk({"class": "python.Echo", "args": [[number] for number in range(5)]})
    client.push({"class": "python.Fragile", "args": []})
    python_teep()
    wait_until(lambda: ruby.metrics("python.Echo").totals.get("p") == 5, 15, "teep's metrics")
    assert ruby.metrics("python.Echo").runs == 5
    wait_until(lambda: ruby.metrics("python.Fragile").totals.get("f") == 1, 15, "the failure")
    assert {"python.Echo", "python.Fragile"} <= set(ruby.metrics("python.Echo").top)


@pytest.mark.slow("a Sidekiq and a teep process start, and beat")
def test_each_prunes_the_dead_and_leaves_the_others_living(
    ruby: Ruby,
    python: teep.Config,
    ruby_sidekiq: RubySidekiqFactory,
    python_teep: PythonTeepFactory,
    redis_server: Server,
) -> None:
    living = {ruby_sidekiq().identity, python_teep().identity}
    for prune in (ruby.processes, lambda: list(teep.ProcessSet(config=python))):
        redis_server.command("SADD", "processes", "gone:1:0123456789ab")
        redis_server.command(
            "DEL", "process_cleanup"
        )  # the permission to prune, which the process that prunes takes for a minute
        assert {process.identity for process in prune()} == living
        assert {name.decode() for name in redis_server.command("SMEMBERS", "processes")} == living
