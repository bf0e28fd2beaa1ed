"""Arguments that a worker gives: `teep.Depends`. They never travel, and no caller names them.

| module | holds |
|---|---|
| `depends` | the marks in a signature: `Depends(factory)`, and `injected` as a default |
| `needs` | the marks that a signature has, and whether its factories can be called |
| `overrides` | other factories in place of some, for tests |
| `scope` | one run: it calls the factories, and closes what they opened |
"""

from teep.job.injection.depends import Depends, injected

__all__ = ["Depends", "injected"]
