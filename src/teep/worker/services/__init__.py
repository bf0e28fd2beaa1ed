"""What runs in the background of a worker: heartbeat, poller, rescuer, metrics, messages."""
