"""Encrypted arguments cross over: Ruby's struct, OpenSSL and Marshal on one side, teep on the other."""

from typing import Any, Literal

import pytest

import teep
from teep.encryption import values
from tests.interop.conftest import PythonTeepFactory, RubySidekiqFactory
from tests.interop.ruby_side import Ruby
from tests.interop.runs import Run, wait_for_runs
from tests.support.servers import Server

VALUES: list[Any] = [
    123, "hunter2", "", "é ☃ \U0001f680 \n", None, True, False, 0, -1, 2**30, -(2**40), 2**70, 1.5, -0.0, 1e300, 0.1,
    [], {}, [1, [2, ["x", "x"]]], {"a": {"ü": [None, {"a": 1.5, "b": 1.5}]}}, "x" * 70_000,
]  # fmt: skip


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys of `ruby/encryption.rb`."""
    monkeypatch.setattr(values, "_keyring", None)
    teep.encryption.enable(active_version=2, key=lambda version: bytes([version]) * 32)


@pytest.mark.parametrize("form", ["marshal", "json"])
def test_what_ruby_encrypts_is_decrypted(ruby: Ruby, form: Literal["marshal", "json"]) -> None:
    for value in VALUES:
        assert teep.encryption.decrypt(ruby.encrypt(value, 7, form)) == value


def test_what_is_encrypted_here_ruby_decrypts(ruby: Ruby) -> None:
    for value in VALUES:
        assert ruby.decrypt(teep.encryption.encrypt(value)) == value


def test_jobs_with_secrets_run_on_the_other_side(
    ruby: Ruby,
    python: teep.Config,
    ruby_sidekiq: RubySidekiqFactory,
    python_teep: PythonTeepFactory,
    redis_server: Server,
) -> None:
    secret = {"card": ["4111-1111", 7, None]}  # four digits alone may stand in a time or a jid
    here = teep.Client(python).push(
        {"class": "SecretEchoJob", "args": ["ours", secret], "encrypt": True, "queue": "ruby"}
    )
    there = ruby.push({"class": "python.SecretEcho", "args": ["theirs", secret], "encrypt": True, "queue": "python"})
    own = ruby.perform_async("SecretEchoJob", "own", secret)
    lying = [
        raw
        for name in ("ruby", "python", "default")
        for raw in redis_server.command("LRANGE", f"queue:{name}", 0, -1)
    ]
    assert len(lying) == 3
    assert not any(b"4111-1111" in raw for raw in lying)
    assert [job.display_args for job in ruby.jobs("ruby")] == [["ours", "[encrypted data]"]]
    ruby_sidekiq(["ruby", "default"])
    python_teep(["python"])
    runs = {run.jid: run for run in wait_for_runs(redis_server, 3, 30)}
    assert runs == {
        here: Run("SecretEchoJob", str(here), ["ours", secret]),
        there: Run("python.SecretEcho", str(there), ["theirs", secret]),
        own: Run("SecretEchoJob", own, ["own", secret]),
    }
