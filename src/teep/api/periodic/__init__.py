"""Periodic jobs: when each is due, what became of its last runs, and how entries are added, changed and paused."""

from teep.api.periodic.entry import AsyncPeriodicEntry as AsyncPeriodicEntry
from teep.api.periodic.entry import PeriodicEntry as PeriodicEntry
from teep.api.periodic.entry import PeriodicRun as PeriodicRun
from teep.api.periodic.set import AsyncLoopSet as AsyncLoopSet
from teep.api.periodic.set import AsyncPeriodicSet as AsyncPeriodicSet
from teep.api.periodic.set import LoopSet as LoopSet
from teep.api.periodic.set import PeriodicSet as PeriodicSet
