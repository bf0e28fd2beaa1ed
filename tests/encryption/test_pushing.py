"""What is pushed, by every verb: the last argument as an envelope and all else clear; nothing where that fails."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

import teep
from teep.config import async_driver_for, overridden
from teep.encryption import decrypt, enable, encrypt
from teep.errors import ConfigurationError, InvalidArguments, InvalidJob
from teep.wire.fields.envelope import Envelope
from tests.encryption.conftest import KEYS
from tests.support.servers import Server

SECRET = "hunter2"
FAR = 4_000_000_000
Push = Callable[[Any], Any]


def secret_job(**options: Any) -> Any:
    return teep.job(name="the.job", encrypt=True, **options)(lambda name, secret: (name, secret))


@pytest.fixture(params=["sync", "async"])
def run(request: pytest.FixtureRequest, config: teep.Config) -> Any:
    """Calls a verb of a job: from threads, or awaited."""
    if request.param == "sync":
        return lambda job, verb, *args, **how: getattr(job, verb)(*args, **how)

    def awaited(job: Any, verb: str, *args: Any, **how: Any) -> Any:
        async def call() -> Any:
            try:
                return await getattr(job.aio, verb)(*args, **how)
            finally:
                await async_driver_for(config).close()

        return asyncio.run(call())

    return awaited


def stored(server: Server) -> list[dict[str, Any]]:
    """Every job in the default queue and the scheduled set, the oldest first; no secret stands in any."""
    raws = [
        *reversed(server.command("LRANGE", "queue:default", 0, -1)), *server.command("ZRANGE", "schedule", 0, -1)
    ]  # fmt: skip
    assert not any(SECRET.encode() in raw for raw in raws)
    return [msgspec.json.decode(raw, type=dict[str, Any]) for raw in raws]


def opened(item: dict[str, Any]) -> list[Any]:
    """A stored job's arguments, the last one decrypted."""
    return [*item["args"][:-1], decrypt(item["args"][-1])]


@pytest.mark.usefixtures("keys", "config")
class TestEveryVerb:
    def test_now_and_later(self, run: Any, server: Server) -> None:
        job = secret_job()
        run(job, "perform_async", "now", SECRET)
        run(job, "perform_async", secret={"a": [SECRET]}, name="by name")
        run(job.set(retry=3), "perform_async", "set", SECRET)
        run(job, "perform_in", 3600, "in", SECRET)
        run(job, "perform_at", FAR, "at", SECRET)
        items = stored(server)
        assert [opened(item) for item in items] == [
            ["now", SECRET], ["by name", {"a": [SECRET]}], ["set", SECRET], ["in", SECRET], ["at", SECRET]
        ]  # fmt: skip
        assert all(item["encrypt"] is True for item in items)
        assert {Envelope.parse(item["args"][-1]).version for item in items} == {2}

    @pytest.mark.parametrize("how", [{}, {"at": FAR}, {"spread_interval": 600.0}])
    @pytest.mark.parametrize("watched", [False, True])
    def test_bulk(self, run: Any, server: Server, config: teep.Config, how: dict[str, Any], watched: bool) -> None:
        if watched:
            config.client_middleware.add(lambda _item, call_next: call_next())
        run(
            secret_job(),
            "perform_bulk",
            [(f"n{number}", [SECRET, number]) for number in range(25)],
            batch_size=10,
            **how,
        )
        assert sorted(opened(item) for item in stored(server)) == sorted(
            [f"n{number}", [SECRET, number]] for number in range(25)
        )

    def test_the_class_form_and_the_option_of_one_push(self, run: Any, server: Server) -> None:
        class SecretJob(teep.Job, name="SecretJob", encrypt=True):
            def perform(self, name: str, secret: int) -> None: ...

        class Child(SecretJob, name="Child"):
            """Inherits it."""

        run(SecretJob, "perform_async", "class", 123)
        run(Child, "perform_async", "child", 123)
        run(teep.job(name="plain")(lambda name, secret: None).set(encrypt=True), "perform_async", "set", SECRET)
        run(secret_job().set(encrypt=False), "perform_async", "clear", 1)
        *sealed, clear = stored(server)
        assert [opened(item) for item in sealed] == [["class", 123], ["child", 123], ["set", SECRET]]
        assert clear["args"] == ["clear", 1]

    def test_inline(self, run: Any, config: teep.Config) -> None:
        seen: list[Any] = []

        def look(item: dict[str, Any], call_next: Callable[[], Any]) -> Any:
            seen.append(repr(item))
            return call_next()

        config.client_middleware.add(look)
        config.server_middleware.add(look)

        async def both(name: str, secret: str) -> tuple[str, str]:
            return name, secret

        assert run(secret_job(), "perform_inline", "inline", SECRET) == ("inline", SECRET)
        assert run(teep.job(name="async", encrypt=True)(both), "perform_inline", "inline", SECRET) == (
            "inline",
            SECRET,
        )
        assert len(seen) == 4
        assert SECRET not in "".join(seen)


@pytest.mark.usefixtures("keys", "config")
class TestWhatLooksAtItLater:
    def test_a_job_that_only_ruby_knows(self, config: teep.Config, server: Server) -> None:
        teep.Client(config).push({"class": "Ruby::Job", "args": ["raw", SECRET], "encrypt": True})
        assert [opened(item) for item in stored(server)] == [["raw", SECRET]]

    def test_a_default_of_the_configuration(self, server: Server) -> None:
        config = teep.Config(redis_url=server.url, job_defaults={"encrypt": True})
        teep.Client(config).push({"class": "Any", "args": ["default", SECRET]})
        teep.Client(config).push_bulk({"class": "Any", "args": [["bulk", SECRET]]})
        assert [opened(item) for item in stored(server)] == [["default", SECRET], ["bulk", SECRET]]

    def test_the_data_api_masks_it_and_what_is_pushed_again_keeps_its_envelope(
        self, config: teep.Config, server: Server
    ) -> None:
        secret_job().perform_async("again", SECRET)
        record = teep.Queue(config=config).first()
        assert record is not None
        assert record.display_args == ["again", "[encrypted data]"]
        teep.Client(config).push(record.item)
        first, second = stored(server)
        assert first["args"] == second["args"]

    def test_a_secret_that_looks_like_an_envelope_is_encrypted_as_any_other(self, server: Server) -> None:
        envelope = encrypt("of another job")
        secret_job().perform_async("copied", envelope)
        assert [opened(item) for item in stored(server)] == [["copied", envelope]]

    @pytest.mark.parametrize("where", ["queue", "set"])
    def test_an_update_encrypts_what_is_new(self, config: teep.Config, server: Server, where: str) -> None:
        job = secret_job()
        job.perform_async("first", SECRET) if where == "queue" else job.perform_at(FAR, "first", SECRET)
        record: Any = (
            teep.Queue(config=config).first() if where == "queue" else next(iter(teep.ScheduledSet(config=config)))
        )
        envelope = record.args[-1]
        assert record.update(args=["renamed", envelope], tags=["x"])
        assert record.args == ["renamed", envelope]
        assert record.update(args=["renamed", SECRET + "!"])
        assert [opened(item) for item in stored(server)] == [["renamed", SECRET + "!"]]
        enable(active_version=1, key=KEYS)
        assert record.update(args=[*record.args[:-1], decrypt(record.args[-1])])
        assert Envelope.parse(record.args[-1]).version == 1
        with pytest.raises(InvalidArguments, match="at least two"):
            record.update(args=[SECRET])

    def test_an_update_that_asks_for_it(self, config: teep.Config, server: Server) -> None:
        teep.job(name="plain")(lambda name, secret: None).perform_async("clear", SECRET)
        record = teep.Queue(config=config).first()
        assert record is not None
        assert record.update(encrypt=True)
        assert [opened(item) for item in stored(server)] == [["clear", SECRET]]


def changing(item: dict[str, Any], call_next: Callable[[], Any]) -> Any:
    item["args"] = [*item["args"][:-1], SECRET]
    return call_next()


def asking(item: dict[str, Any], call_next: Callable[[], Any]) -> Any:
    return call_next() | {"encrypt": True}


def pushes(job: Any) -> list[Push]:
    """Ways to push a job whose first argument is clear."""
    return [
        lambda secret: job.perform_async("x", secret),
        lambda secret: job.perform_in(60, "x", secret),
        lambda secret: job.perform_bulk([["x", secret]]),
        lambda secret: job.perform_inline("x", secret),
    ]


class TestNothingIsPushed:
    @pytest.fixture(autouse=True)
    def _nothing(self, config: teep.Config, server: Server) -> Any:
        yield
        assert stored(server) == []

    def test_without_keys(self) -> None:
        for push in pushes(secret_job()):
            with pytest.raises(ConfigurationError, match="encryption needs keys"):
                push(SECRET)

    @pytest.mark.parametrize("number", range(4))
    def test_where_the_secret_is_not_plain_json(self, keys: dict[int, bytes], number: int) -> None:
        with pytest.raises(InvalidArguments, match="not plain JSON") as caught:
            pushes(secret_job())[number]({SECRET: {1}})
        assert SECRET not in str(caught.value)

    @pytest.mark.parametrize("number", range(3))
    def test_where_a_middleware_would_store_it_clear(
        self, keys: dict[int, bytes], config: teep.Config, number: int
    ) -> None:
        config.client_middleware.add(changing)
        with pytest.raises(InvalidJob, match=r"a client middleware changed the last argument of the\.job") as caught:
            pushes(secret_job())[number](1)
        assert SECRET not in str(caught.value)
        config.client_middleware.clear()
        config.client_middleware.add(asking)
        with pytest.raises(InvalidJob, match="or asked to encrypt it: it comes too late"):
            pushes(teep.job(name="plain")(lambda name, secret: None))[number](SECRET)

    def test_with_one_argument_or_keyword_only_ones(self, keys: dict[int, bytes], config: teep.Config) -> None:
        client = teep.Client(config)
        for args in ([], [SECRET]):
            with pytest.raises(InvalidArguments, match="X encrypts its last argument, so it takes at least two, not"):
                client.push({"class": "X", "encrypt": True, "args": args})
            with pytest.raises(InvalidArguments, match="at least two"):
                client.push_bulk({"class": "X", "encrypt": True, "args": [args]})
        with pytest.raises(InvalidArguments, match="keyword-only ones would stay clear"):
            client.push({"class": "X", "encrypt": True, "args": [1, 2], "kwargs": {"a": SECRET}})

    def test_a_bulk_of_something_else_than_lists_shows_none_of_it(self, keys: dict[int, bytes]) -> None:
        with pytest.raises(InvalidArguments, match=r"needs a list of arguments .*, and row 0 is of type str"):
            secret_job().perform_bulk([SECRET])  # type: ignore[list-item, unused-ignore]


def optional(name: str, secret: str = "") -> None: ...
def open_ended(name: str, *secrets: str) -> None: ...
def by_keyword(name: str, secret: str, *, more: str = "") -> None: ...
def many_keywords(name: str, secret: str, **more: str) -> None: ...
def single(secret: str) -> None: ...
def bare() -> None: ...


def as_method(function: Any) -> Any:
    """A method that takes what a function does."""

    def perform(self: Any, *args: Any, **kwargs: Any) -> None: ...

    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    perform.__signature__ = inspect.Signature([own, *inspect.signature(function).parameters.values()])  # type: ignore[attr-defined]
    return perform


@pytest.mark.parametrize("function", [optional, open_ended, by_keyword, many_keywords, single, bare])
def test_a_signature_whose_last_argument_varies_is_refused_where_it_is_defined(function: Any) -> None:
    sentence = "the.job encrypts its last argument, so it must take at least two, the last of them without a default"
    with pytest.raises(InvalidJob, match=sentence):
        teep.job(name="the.job", encrypt=True)(function)
    with pytest.raises(InvalidJob, match=sentence):
        type("X", (teep.Job,), {"perform": as_method(function)}, name="the.job", encrypt=True)
    plain = teep.job(name="the.job")(function)
    for verbs in (plain, plain.aio):
        with pytest.raises(InvalidJob, match=sentence):
            verbs.set(encrypt=True)


def test_a_signature_shows_its_secret_to_nobody_and_its_push_encrypts(config: teep.Config, keys: object) -> None:
    @teep.job(name="keep", encrypt=True)
    def keep(name: str, secret: str) -> None: ...

    @teep.job(name="show")
    def show(name: str, secret: str) -> None: ...

    signature = keep.s("jo", "hush")
    assert repr(signature) == "keep.s('jo', '[encrypted data]')"
    assert repr(show.s("jo", "hush").set(encrypt=True)) == "show.s('jo', '[encrypted data]').set(encrypt=True)"
    with overridden(config.copy(job_defaults={"encrypt": True})):
        assert "hush" not in repr(show.s("jo", "hush"))
    assert teep.push(signature)
    assert teep.push(signature)
    first, second = (job.item["args"] for job in teep.Queue())
    assert "hush" not in str(first)
    assert teep.encryption.decrypt(first[1]) == teep.encryption.decrypt(second[1]) == "hush"
    assert first[1] != second[1]  # each push has a nonce of its own


def test_a_signature_that_could_not_be_encrypted_is_refused_at_once() -> None:
    @teep.job(name="open")
    def some(*args: str, own: int = 0) -> None: ...

    raw = some.s("x", "y")
    with pytest.raises(InvalidJob, match="encrypts its last argument"):
        raw.set(encrypt=True)
