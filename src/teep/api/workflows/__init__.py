"""Workflows: how far each is, what each of its nodes waits for; and verbs for one of them."""

from teep.api.workflows.nodes import NodeStatus as NodeStatus
from teep.api.workflows.set import AsyncWorkflowSet as AsyncWorkflowSet
from teep.api.workflows.set import WorkflowSet as WorkflowSet
from teep.api.workflows.status import AsyncWorkflowStatus as AsyncWorkflowStatus
from teep.api.workflows.status import WorkflowStatus as WorkflowStatus
