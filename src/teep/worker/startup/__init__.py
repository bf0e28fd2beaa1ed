"""The start of a worker, before its first job: modules are imported, Redis is awaited, queues are assigned."""
