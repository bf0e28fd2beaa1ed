"""The lock of a unique job, as others than the job see it."""

import pytest

from tests.api.sides import Side, job, raw


def test_a_lock_tells_who_has_it_and_can_be_freed(side: Side) -> None:
    side.server.command("SET", "unique:abc", "holder", "PX", 90_000)
    side.server.client.zadd("retry", {raw(job(1, unique_lock="abc")): 5.0})
    (entry,) = side.listed(side.RetrySet())
    lock = side.run(entry.unique_lock())
    assert lock.holder == "holder"
    assert 80 < lock.seconds <= 90
    assert side.run(entry.free_lock()) is True
    assert side.run(entry.unique_lock()) is None
    assert side.run(entry.free_lock()) is False


@pytest.mark.parametrize("field", [None, "", 7, ["x"], "free"])
def test_a_job_without_a_lock_has_none(side: Side, field: object) -> None:
    side.push(job(1, unique_lock=field))
    (record,) = side.listed(side.Queue())
    assert side.run(record.unique_lock()) is None
    assert side.run(record.free_lock()) is False
