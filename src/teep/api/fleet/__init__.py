"""The fleet as it is now: processes, the jobs that they run, and all of it at one look."""

from teep.api.fleet.fleet import AsyncFleet as AsyncFleet
from teep.api.fleet.fleet import Fleet as Fleet
