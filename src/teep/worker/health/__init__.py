"""The health of a worker, and its reports: HTTP probes, the watchdog, systemd."""
