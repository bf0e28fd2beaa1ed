import teep
from teep.store import workflows
from teep.config import driver_for
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

ran = []


@teep.job(retry=0)
def flow_step(word):
    ran.append(word)
    if word.startswith("bad"):
        raise ZeroDivisionError


def states(here, wf):
    graph = driver_for(here.config).run(workflows.read(wf.bid))
    return {n.name: n.state for n in graph.nodes}


def test_it(here: Fleet) -> None:
    ran.clear()
    wf = teep.Workflow("release")
    s = flow_step.s
    built = wf.add("build", s("build"))
    tests = wf.add_many("test", [s("t1"), s("bad t2")], after=built)
    wf.add("publish", s("publish"), after=tests)
    wf.add("after publish", s("p2"), after="publish")
    wf.add("skips", s("skips"), after={built: "stop", tests: "skip"})
    wf.add("held", s("held"), after=tests, when="hold")
    wf.add("after held", s("held2"), after="held")
    wf.add("clean", s("clean"), after=[built, tests], when="always")
    wf.add("cleans publish", s("clean2"), after="after publish", when="always")
    wf.start()
    print(states(here, wf))
    here.start()
    status = teep.BatchStatus(wf.bid)
    assert status.wait(20)
    found = states(here, wf)
    assert found == {
        "build": "succeeded",
        "test.1": "succeeded",
        "test.2": "failed",
        "publish": "cancelled",
        "after publish": "cancelled",
        "skips": "succeeded",
        "held": "waiting",
        "after held": "waiting",
        "clean": "succeeded",
        "cleans publish": "succeeded",
    }
    assert sorted(ran) == sorted(["build", "t1", "bad t2", "skips", "clean", "clean2"])
    status.refresh()
    assert status.state == "dead"
    graph = driver_for(here.config).run(workflows.read(wf.bid))
    assert graph.waits_for(next(n for n in graph.nodes if n.name == "held")) == ["test.2"]


def test_chain(here: Fleet) -> None:
    ran.clear()
    s = flow_step.s
    wf = teep.chain(
        s("a"),
        teep.group(s("b1"), teep.chain(s("b2"), s("b3"))),
        teep.group(),
        s("c"),
        teep.group(s(f"d{n}") for n in range(3)),
        s("e"),
    ).start()
    here.start()
    assert teep.BatchStatus(wf.bid).wait(20, "success")
    print(ran, states(here, wf))
    assert len(ran) == 9 and ran[0] == "a" and ran[-1] == "e" and ran[4] == "c"
