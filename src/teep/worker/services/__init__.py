"""The background services of a worker: heartbeat, poller, rescuer, metrics, messages."""
