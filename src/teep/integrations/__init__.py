"""What joins teep to other systems.

Each module needs the extra of its name, but `opentelemetry`, whose extra is `otel`, and `statsd`, which needs none.
"""
