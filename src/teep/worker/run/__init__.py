"""How a reserved job runs, and how it ends."""
