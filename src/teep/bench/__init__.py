"""`teep bench`: measures how fast teep is on this machine and this Redis."""

from teep.bench.run import Figures, run

__all__ = ["Figures", "run"]
