"""`teep bench`: measures how fast teep is on this machine and this Redis."""

from teep.bench.run import Figures, Speed, run, speed

__all__ = ["Figures", "Speed", "run", "speed"]
