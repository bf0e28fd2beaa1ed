"""Verbs: asked first, with "no" as the answer; for the job that was seen, what is selected, or all that match."""

import json

import pytest

import teep
from teep.api.jobs.selection.bounds import TYPED
from teep.top.dialogs.menu import Menu
from teep.top.lists.verbs import Doing
from tests.support.servers import Server
from tests.top.seeing import Seen, retry, watch
from tests.web.browser import releases, timetable

pytestmark = pytest.mark.one_server


def size(store: Server, key: str = "retry") -> int:
    return int(store.client.zcard(key))


@pytest.mark.parametrize(
    ("key", "tab", "key_in_redis", "becomes"),
    [
        ("R", "retries", "retry", ("queue:low", "went to its queue")),
        ("E", "retries", "retry", ("queue:low", "went to its queue")),
        ("K", "retries", "retry", ("dead", "is dead")),
        ("D", "retries", "retry", ("", "is deleted")),
        ("E", "scheduled", "schedule", ("queue:low", "went to its queue")),
        ("K", "scheduled", "schedule", ("dead", "is dead")),
        ("D", "scheduled", "schedule", ("", "is deleted")),
        ("R", "dead", "dead", ("queue:low", "went to its queue")),
        ("D", "dead", "dead", ("", "is deleted")),
    ],
)
def test_a_verb_is_for_the_job_under_the_cursor_once_one_is_sure(
    store: Server, config: teep.Config, key: str, tab: str, key_in_redis: str, becomes: tuple[str, str]
) -> None:
    jids = [retry(store, number, 2e9 + number, key_in_redis) for number in range(3)]
    to, said = becomes

    async def scene(seen: Seen) -> None:
        await seen.go(tab)
        await seen.until("app.Import")
        await seen.press("j")
        jid = seen.view.rows[1].key
        for no in ("enter", "n", "escape"):
            await seen.press(key)
            await seen.until("1 job?")
            await seen.press(no)
            assert size(store, key_in_redis) == 3
        await seen.press(key, "y")
        await seen.until(f"1 {said}")
        assert size(store, key_in_redis) == 2
        left = [json.loads(job)["jid"] for job in store.command("ZRANGE", key_in_redis, 0, -1)]
        assert sorted([*left, jid]) == sorted(jids)
        if to:
            jobs = (
                store.command("LRANGE", to, 0, -1) if to.startswith("queue:") else store.command("ZRANGE", to, 0, -1)
            )
            assert [json.loads(job)["jid"] for job in jobs] == [jid]
        await seen.until(lambda: len(seen.view.rows) == 2)

    watch(config, scene)


def test_yes_can_be_reached_by_the_arrows_and_clicked(store: Server, config: teep.Config) -> None:
    retry(store, 1, 2e9)
    retry(store, 2, 2e9 + 1)

    async def scene(seen: Seen) -> None:
        await seen.go("retries")
        await seen.until("no answer 1")
        await seen.press("D", "right", "enter")
        await seen.until(lambda: size(store) == 1)
        await seen.until(lambda: len(seen.view.rows) == 1)
        await seen.press("D")
        await seen.until("Delete 1 job?")
        y, line = next((y, line) for y, line in enumerate(seen.lines) if "Yes" in line)
        await seen.pilot.click(offset=(line.index("Yes"), y))
        await seen.until(lambda: size(store) == 0)

    watch(config, scene)


def test_what_is_selected_is_named_in_the_question_and_taken(store: Server, config: teep.Config) -> None:
    jids = [retry(store, number, 2e9 + number) for number in range(60)]

    async def scene(seen: Seen) -> None:
        await seen.go("retries")
        await seen.until("1–50 of 60")
        await seen.press("x", "j", "x", "l")
        await seen.until("51–60 of 60")
        await seen.press("A")
        await seen.until("12 selected")
        assert seen.line("❯")[1] == "✓"
        await seen.press("K")
        await seen.until("Kill 12 jobs?")
        await seen.until("and 9 more")
        await seen.press("y")
        await seen.until("12 are dead")
        assert size(store, "dead") == 12
        assert not seen.view.chosen

    watch(config, scene)
    dead = {json.loads(job)["jid"] for job in store.command("ZRANGE", "dead", 0, -1)}
    assert dead == {jids[0], jids[2], *jids[50:]}


def test_all_that_match_are_counted_and_taken(store: Server, config: teep.Config) -> None:
    for number in range(300):
        retry(store, number, 2e9 + number, **({"class": "app.Export"} if number % 3 else {}))

    async def scene(seen: Seen) -> None:
        await seen.press(":")
        await seen.type("retry class:app.Export")
        await seen.until("match")
        await seen.press("*")
        await seen.until("all 200 selected")
        await seen.press("D")
        await seen.until("Delete all 200 jobs that match class:app.Export?")
        await seen.press("y")
        await seen.until("200 are deleted")
        assert size(store) == 100

    watch(config, scene)


def test_very_many_are_confirmed_by_typing_how_many(store: Server, config: teep.Config) -> None:
    count = TYPED + 1
    for number in range(count):
        retry(store, number, 2e9 + number)

    async def scene(seen: Seen) -> None:
        await seen.go("retries")
        await seen.until("app.Import")
        await seen.press("*")
        await seen.until("all 1,001 selected")
        for wrong in ("1000", "", "y"):
            await seen.press("R")
            await seen.until("Type 1001")
            await seen.press(*wrong, "enter")
            assert not seen.app.is_asking
            assert size(store) == count
        await seen.press("R", *"1009", "backspace", "1", "enter")
        await seen.until("1,001 went to their queues")
        assert store.client.llen("queue:low") == count

    watch(config, scene)


def test_what_is_under_way_is_told_and_stopped_between_two_slices(
    store: Server, config: teep.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5000):
        retry(store, number, 2e9 + number)
    told: list[str] = []
    progressed = Doing.progressed

    def noted(self: Doing, looked_at: int, out_of: int) -> bool:
        if self.name == "delete":
            told.append(self.told)
            self.is_stopped = True  # Esc, as soon as the first slice is done
        return progressed(self, looked_at, out_of)

    monkeypatch.setattr(Doing, "progressed", noted)

    async def scene(seen: Seen) -> None:
        await seen.go("retries")
        await seen.until("app.Import")
        await seen.press("*")
        await seen.until("all 5,000 selected")
        await seen.press("D", *"5000", "enter")
        await seen.until("delete: stopped after 500 of 5,000; 500 are deleted")

    watch(config, scene)
    assert told == ["delete …"]
    assert size(store) == 4500


def test_a_verb_for_selected_rows_is_stopped_between_two_and_goes_on_with_the_rest(
    store: Server, config: teep.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10):
        retry(store, number, 2e9 + number)
    progressed = Doing.progressed

    def stopped(self: Doing, looked_at: int, out_of: int) -> bool:
        self.is_stopped = looked_at == 3  # Esc, as the third is done
        return progressed(self, looked_at, out_of)

    monkeypatch.setattr(Doing, "progressed", stopped)

    async def scene(seen: Seen) -> None:
        await seen.go("retries")
        await seen.until("app.Import")
        await seen.press("A", "D", "y")
        await seen.until("delete: stopped after 3 of 10; 3 are deleted")
        assert size(store) == 7
        assert len(seen.view.chosen) == 10
        monkeypatch.undo()
        await seen.press("D", "y")
        await seen.until("7 are deleted, 3 are gone or stay")
        assert not seen.view.chosen

    watch(config, scene)


def test_a_count_that_is_stopped_selects_nothing(
    store: Server, config: teep.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5000):
        retry(store, number, 2e9 + number)
    progressed = Doing.progressed

    def stopped(self: Doing, looked_at: int, out_of: int) -> bool:
        self.is_stopped = True
        return progressed(self, looked_at, out_of)

    monkeypatch.setattr(Doing, "progressed", stopped)

    async def scene(seen: Seen) -> None:
        await seen.press(":")
        await seen.type("retry class:app.Import")
        await seen.until("match")
        await seen.press("*")
        await seen.until("count: stopped after")
        assert seen.view.all_of is None

    watch(config, scene)


@pytest.mark.usefixtures("own_registry")
def test_where_not_all_can_be_selected_that_is_said(store: Server, config: teep.Config) -> None:
    releases.keep(store, config)

    async def scene(seen: Seen) -> None:
        for tab in ("workflows", "batches"):
            await seen.go(tab)
            await seen.until("█")
            await seen.press("*")
            await seen.until("select rows with x or A")

    watch(config, scene)


def test_of_jobs_of_a_queue_with_the_same_jid_those_under_the_cursor_are_killed(
    store: Server, config: teep.Config
) -> None:
    store.client.sadd("queues", "q")
    raws = [json.dumps({"class": "app.Import", "args": [number], "jid": f"{7:024x}"}) for number in range(3)]
    store.client.lpush("queue:q", *raws)

    async def scene(seen: Seen) -> None:
        await seen.press(":")
        await seen.type("queue q")
        await seen.until("1–3 of 3 jobs")
        await seen.press("j", "K", "y")
        await seen.until("1 is dead")

    watch(config, scene)
    assert store.command("ZRANGE", "dead", 0, -1) == [raws[1].encode()]
    assert store.client.llen("queue:q") == 2


@pytest.mark.slow("ten tabs are read, and every key of a verb pressed in each")
def test_read_only_has_no_verbs_at_all(fleet: Server, config: teep.Config) -> None:
    keys = ("retry", "dead", "schedule")
    before = [size(fleet, key) for key in keys]

    async def scene(seen: Seen) -> None:
        await seen.until("READ ONLY")
        for name in (
            "dashboard",
            "busy",
            "queues",
            "scheduled",
            "retries",
            "dead",
            "errors",
            "periodic",
            "batches",
            "limits",
        ):
            await seen.go(name)
            assert seen.app.verbs == ()
            await seen.press("x", "A", "*", "R", "D", "K", "E", "p", "Q", "T")
            assert not seen.app.is_asking
            assert not seen.view.chosen
            assert seen.view.all_of is None
            await seen.press("m")
            await seen.until("Enter does it")
            assert isinstance(seen.app.screen, Menu)
            looks = {"open", "detail", "raw", "copy", "filter", "jump", "view"}
            assert {word for _, word in seen.app.screen._items} == looks
            await seen.press("escape")

    watch(config, scene, read_only=True)
    assert [size(fleet, key) for key in keys] == before
    assert fleet.client.smembers("paused") == {b"low"}


def test_queues_are_paused_and_emptied(fleet: Server, config: teep.Config) -> None:
    async def scene(seen: Seen) -> None:
        await seen.go("queues")
        await seen.until("of 7 queues")
        assert seen.view.row is not None
        assert seen.view.row.key == "low"
        await seen.press("p")  # nobody has moved the cursor: another queue may come to the top at any time
        await seen.until("Unpause 1 queue?")
        await seen.press("y")
        await seen.until(lambda: not fleet.client.smembers("paused"))
        await seen.looked()
        await seen.press("j", "p")
        await seen.until(lambda: fleet.client.smembers("paused") == {b"default"})
        await seen.looked()
        await seen.press("D")
        await seen.until("Type 1288")
        await seen.press(*"1288", "enter")
        await seen.until(lambda: not fleet.client.exists("queue:default"))

    watch(config, scene)


def test_jobs_of_a_queue_are_deleted_killed_and_moved(fleet: Server, config: teep.Config) -> None:
    async def scene(seen: Seen) -> None:
        await seen.press(":")
        await seen.type("queue reports")
        await seen.until("1–9 of 9 jobs")
        await seen.press("D", "y")
        await seen.until("1–8 of 8 jobs")
        await seen.press("x", "x", "K", "y")
        await seen.until("1–6 of 6 jobs")
        assert size(fleet, "dead") == 19
        await seen.press("m")
        await seen.until("move to another queue")
        await seen.press("j", "j", "enter")
        await seen.until("to which queue?")
        await seen.type("elsewhere")
        await seen.until("Move 1 job to elsewhere?")
        await seen.press("y")
        await seen.until("1 is moved")
        assert fleet.client.llen("queue:elsewhere") == 1
        await seen.press("*")
        await seen.until("all 5 selected")
        await seen.press("D", "y")
        await seen.until(lambda: not fleet.client.llen("queue:reports"))

    watch(config, scene)


def test_processes_are_quieted_and_stopped_and_jobs_are_cancelled(fleet: Server, config: teep.Config) -> None:
    async def scene(seen: Seen) -> None:
        await seen.go("busy")
        await seen.until("of 5 processes")
        assert seen.view.row is not None
        name = seen.view.row.key
        await seen.press("Q", "y")
        await seen.until(lambda: fleet.client.lrange(f"{name}-signals", 0, -1) == [b"TSTP"])
        await seen.press("T", "y")
        await seen.until(lambda: fleet.client.llen(f"{name}-signals") == 2)
        await seen.press("v")
        await seen.until("running jobs")
        await seen.press("K")
        await seen.until("Cancel 1 running job?")
        await seen.press("y")
        await seen.until("1 is told to stop")

    watch(config, scene)


def test_a_verb_in_errors_is_for_all_of_the_group(fleet: Server, config: teep.Config) -> None:
    async def scene(seen: Seen) -> None:
        await seen.go("errors")
        await seen.until("SMTPServer")
        assert seen.view.row is not None
        name, group = seen.view.row.thing
        assert name == "retries"
        await seen.press("K")
        await seen.until(f"{group.count} jobs are there")
        await seen.press("y")
        await seen.until(f"{group.count} are dead")
        assert size(fleet, "dead") == 17 + group.count

    watch(config, scene)


@pytest.mark.usefixtures("own_registry")
def test_periodic_jobs_limits_batches_and_workflows(store: Server, config: teep.Config) -> None:
    timetable.keep(store, config)
    releases.keep(store, config)

    async def scene(seen: Seen) -> None:
        await seen.go("periodic")
        await seen.until("payouts")
        while "payouts" not in seen.line("❯"):
            await seen.press("j")
        await seen.press("p")
        await seen.until(lambda: "paused" in seen.line("payouts"))
        await seen.press("p")
        await seen.until(lambda: "paused" not in seen.line("payouts"))
        await seen.go("limits")
        await seen.until("of")
        await seen.press("p")
        await seen.until("for how long?")
        await seen.press("enter")
        await seen.until("Pause 1 limit for 60s?")
        await seen.press("y")
        await seen.until("1 lets nothing through")
        await seen.until("paused")
        await seen.go("workflows")
        await seen.until("█")
        rows = len(seen.view.rows)
        await seen.press("D", "y")
        await seen.until(lambda: len(seen.view.rows) == rows - 1)
        await seen.go("batches")
        await seen.until("█")
        await seen.press("K")
        await seen.until("Skip 1 batch?")
        await seen.press("y")
        await seen.until("1 is skipped")

    watch(config, scene)
