"""`teep bench`: how fast teep is here, on this machine and this Redis."""

from teep.bench.run import Figures, run

__all__ = ["Figures", "run"]
