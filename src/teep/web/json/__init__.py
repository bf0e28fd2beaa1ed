"""The web page for programs: the same reads and writes as JSON, gauges for Prometheus, a number for autoscalers."""
