"""Whether a worker is well, and who is told: HTTP probes, the watchdog, systemd."""
