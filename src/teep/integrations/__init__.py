"""What joins teep to other systems; each module needs the extra of its name, but `statsd`, which needs none."""
