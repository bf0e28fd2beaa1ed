"""What happens before the first job: modules are imported, Redis is awaited, queues are assigned."""
