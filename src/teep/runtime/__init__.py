"""The foundation of long-running parts: services, the identity of a process, outages of Redis, forks."""
