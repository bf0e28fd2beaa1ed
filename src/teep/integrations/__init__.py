"""Integrations of teep with other systems.

Each module needs the extra of its name. But the extra of `opentelemetry` is `otel`, and `statsd` needs none.
"""
