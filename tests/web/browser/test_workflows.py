"""Workflows in a real browser: both themes and widths, by keys alone, without JavaScript, and live."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from playwright.sync_api import expect

import teep
from tests.web.browser.conftest import UNTIL_READ_AGAIN, Desk, tabbed_to, timed
from tests.web.browser.test_pages import inspect
from tests.web.test_workflows import end, release, step

__all__ = ["step"]

pytestmark = pytest.mark.xdist_group("chromium")


@pytest.fixture
def workflow(desk: Desk, config: teep.Config, step: Any) -> teep.Workflow:
    """A workflow of which a node is dead, and others wait; and a large one beside it."""
    with ThreadPoolExecutor(1) as apart:  # from an event loop, as Playwright has one, teep warns of what blocks it
        return apart.submit(_made, config, step).result()


def _made(config: teep.Config, step: Any) -> teep.Workflow:
    large = teep.Workflow("large", config=config)
    large.add_many("second", [step.s()] * 200, after=large.add_many("first", [step.s()] * 200))
    large.start()
    workflow = release(config, step)
    end(config, workflow, "build")
    end(config, workflow, "test.1", "dead")
    return workflow


@pytest.mark.slow("axe looks at each page in both themes and widths", seconds=12)
def test_they_are_accessible_and_keep_to_their_policy(
    desk: Desk, workflow: teep.Workflow, config: teep.Config
) -> None:
    large = next(each.bid for each in teep.WorkflowSet(config=config) if each.name == "large")
    inspect(desk, ("/workflows", f"/workflows/{workflow.bid}", f"/workflows/{large}?group=first"))


def test_a_box_of_the_graph_is_followed_by_keys_and_its_node_runs_again(
    desk: Desk, workflow: teep.Workflow, config: teep.Config
) -> None:
    page = desk.open(f"/workflows/{workflow.bid}")
    expect(page.locator(".graph .node")).to_have_count(6)
    tabbed_to(page, ".graph .is-failed")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("app.step")
    page.go_back()
    page.get_by_role("button", name="Run again test.1").click()
    expect(page.locator("#flash")).to_contain_text("The node test.1 runs again.")
    assert teep.WorkflowStatus(workflow.bid, config=config).node("test.1").state != "failed"


def test_the_graph_lives(desk: Desk, workflow: teep.Workflow, config: teep.Config) -> None:
    page = timed(desk.open(f"/workflows/{workflow.bid}"))
    expect(page.locator(".graph .is-waiting")).to_have_count(2)
    end(config, workflow, "test.2")
    page.clock.run_for(UNTIL_READ_AGAIN)
    expect(page.locator(".graph .is-waiting")).to_have_count(0)
    # What came later is drawn as SVG, too.
    assert page.evaluate("document.querySelector('.graph .node rect').namespaceURI") == "http://www.w3.org/2000/svg"
    assert page.evaluate("document.querySelector('.graph .is-pushed rect').getBBox().width") > 100


def test_without_scripts_nodes_are_found_and_the_workflow_is_cancelled(desk: Desk, workflow: teep.Workflow) -> None:
    page = desk.open(f"/workflows/{workflow.bid}", java_script_enabled=False)
    page.locator("#workflow-facts").get_by_role("link", name="2").click()
    expect(page.locator("#nodes tbody tr")).to_have_count(2)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#flash")).to_contain_text("The workflow is cancelled.")
