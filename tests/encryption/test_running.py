"""A worker decrypts right at the call: no one else ever sees the secret, and a retry keeps the envelope it had."""

import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

import teep
from teep.config import overridden
from teep.encryption import enable, encrypt, values
from teep.encryption.aes import Cipher
from teep.wire import json
from teep.wire.fields.envelope import Envelope
from teep.worker.logs import log
from tests.encryption.conftest import KEYS
from tests.support.servers import Server
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

SECRET = "hunter2"
_TEEP = str(Path(teep.__file__).parent)

pytestmark = pytest.mark.usefixtures("keys")


@pytest.fixture
def fleet(server: Server) -> Iterator[Fleet]:
    with Fleet(server) as fleet, overridden(fleet.config):
        yield fleet


_READ: dict[bytes, tuple[Any, ...]] = {
    b"string": ("GET",), b"hash": ("HGETALL",), b"set": ("SMEMBERS",), b"list": ("LRANGE", 0, -1),
    b"zset": ("ZRANGE", 0, -1),
}  # fmt: skip


def everything(server: Server) -> str:
    """All that lies in Redis."""
    kinds = {key: server.command("TYPE", key) for key in server.command("KEYS", "*")}
    return repr({key: server.command(_READ[kind][0], key, *_READ[kind][1:]) for key, kind in kinds.items()})


def test_the_job_gets_the_clear_value(fleet: Fleet) -> None:
    ran: SimpleQueue[Any] = SimpleQueue()

    class SecretJob(teep.Job, encrypt=True, name="class"):
        def perform(self, name: str, secret: int) -> None:
            ran.put((name, secret))

    @teep.job(name="async", encrypt=True)
    async def job(name: str, secret: Any) -> None:
        ran.put((name, secret))

    expected: list[Any] = [("now", 123), ("async", {"a": [SECRET]}), ("soon", 7), ("bulk", 0), ("bulk", 1)]
    SecretJob.perform_async("now", 123)
    job.perform_async("async", {"a": [SECRET]})
    SecretJob.perform_in(0.1, "soon", 7)
    SecretJob.perform_bulk([("bulk", number) for number in range(2)])
    fleet.start(fleet.configure(poll_interval_average=0.1))
    fleet.wait_until_processed(5)
    assert sorted((ran.get_nowait() for _ in expected), key=repr) == sorted(expected, key=repr)
    assert fleet.counters() == (5, 0)


class Witness:
    """Everyone that hears of a job, and what they saw of it."""

    def __init__(self, config: teep.Config) -> None:
        self.seen: list[str] = []
        self._verdicts = iter([3600, "kill"])
        config.server_middleware.add(self.around)
        config.client_middleware.add(self.around)
        config.error_handlers.append(lambda error, context: self.saw("error handler", error, context))
        config.death_handlers.append(lambda item, error: self.saw("death handler", item, error))

    def saw(self, who: str, *what: Any) -> None:
        self.seen.append(f"{who}: {what!r}")
        for error in what:
            if isinstance(error, BaseException):
                self._look_into_frames(error)

    def heard_by(self) -> set[str]:
        return {line.partition(":")[0] for line in tuple(self.seen)}

    def around(self, item: dict[str, Any], call_next: Callable[[], Any]) -> Any:
        context = teep.current_job()
        self.saw("middleware", item, context and context.payload)
        return call_next()

    def retry_in(self, count: int, error: BaseException, item: dict[str, Any]) -> Any:
        self.saw("retry_in", error, item)
        return next(self._verdicts)

    def _look_into_frames(self, error: BaseException) -> None:
        """What a crash reporter would send: the variables of every frame. The job's own may hold the secret."""
        traceback = error.__traceback__
        while traceback is not None:
            if traceback.tb_frame.f_code.co_filename.startswith(_TEEP):
                self.seen.append(f"frame: {traceback.tb_frame.f_locals!r}")
            traceback = traceback.tb_next


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_nobody_but_the_job_sees_it_and_a_retry_keeps_the_envelope(
    fleet: Fleet, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.handler.setFormatter(log.PrettyFormatter())
    caplog.handler.addFilter(log._add_context)
    witness = Witness(fleet.config)
    ran: SimpleQueue[str] = SimpleQueue()

    def fail(name: str, secret: str) -> None:
        ran.put(secret)
        raise ValueError("no luck")

    async def afail(name: str, secret: str) -> None:
        fail(name, secret)

    job = teep.job(name="fail", encrypt=True, backtrace=True, retry_in=witness.retry_in)(
        fail if kind == "def" else afail
    )
    job.perform_async("name", SECRET)
    (pushed,) = fleet.queue()
    envelope = re.search(rb"BAhT[\w=-]+", pushed)
    assert envelope is not None

    fleet.start(fleet.config)
    first = fleet.failed_payload()
    assert first["args"] == ["name", envelope[0].decode()]
    assert envelope[0] in fleet.members("retry")[0]
    teep.RetrySet(config=fleet.config).retry_all()
    second = fleet.failed_payload("dead")
    wait_until(lambda: fleet.counters() == (2, 2), SOON, "both runs to be counted")
    everyone = {"middleware", "error handler", "death handler", "retry_in", "frame"}
    # Handlers hear of a job once it is settled.
    wait_until(lambda: witness.heard_by() == everyone, SOON, "everyone to hear of it")

    assert second["args"] == first["args"]
    assert [ran.get_nowait(), ran.get_nowait()] == [SECRET, SECRET]
    assert SECRET not in "".join(witness.seen)
    assert SECRET not in caplog.text
    assert SECRET not in repr((first, second))
    shown = everything(fleet.server)
    assert envelope[0].decode() in shown
    assert SECRET not in shown


def test_what_cannot_be_decrypted_is_retried_and_tells_nothing(
    fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    ran: SimpleQueue[Any] = SimpleQueue()
    teep.job(name="the.job", encrypt=True)(lambda name, secret: ran.put(secret))
    good = Envelope.parse(encrypt(SECRET))
    broken = {
        "another key": Cipher(1, KEYS[2]).seal(SECRET.encode()).text(),
        "no such version": good._replace(version=3).text(),
        "altered": good._replace(tag=bytes(16)).text(),
        "cut": good.text()[:-8],
        "clear": SECRET,
    }
    for name, envelope in broken.items():
        item = {"class": "the.job", "args": [name, envelope], "encrypt": True, "jid": name, "retry": True}
        fleet.push_raw(json.dumps(item))
    fleet.start()
    fleet.wait_until_processed(5)
    entries = {entry.jid: entry for entry in teep.RetrySet(config=fleet.config)}
    assert {name: entries[name].args[-1] for name in broken} == broken
    assert {entry.error_class for entry in entries.values()} == {"teep.errors.DecryptionError"}
    assert {name: entry.error_message for name, entry in entries.items()} == {
        "another key": "the encrypted argument was altered, or encrypted with another key of version 1",
        "no such version": "the encrypted argument cannot be read: there is no key of version 3 here",
        "altered": "the encrypted argument was altered, or encrypted with another key of version 2",
        "cut": "the encrypted argument cannot be read: its envelope was cut or altered",
        "clear": "the encrypted argument cannot be read: it is no envelope of aes-256-gcm",
    }
    assert ran.empty()
    assert SECRET not in caplog.text


def test_a_worker_without_keys_retries_until_it_has_them(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: SimpleQueue[Any] = SimpleQueue()
    job = teep.job(name="the.job", encrypt=True)(lambda name, secret: ran.put(secret))
    job.perform_async("name", SECRET)
    monkeypatch.setattr(values, "_keyring", None)
    fleet.start()
    failed = fleet.failed_payload()
    assert failed["error_class"] == "teep.errors.ConfigurationError"
    assert failed["error_message"].startswith("encryption needs keys")
    enable(active_version=1, key=KEYS)
    teep.RetrySet(config=fleet.config).retry_all()
    assert ran.get(timeout=SOON) == SECRET
