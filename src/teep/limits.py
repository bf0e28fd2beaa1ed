"""Limits that hold across all processes; the package `teep.features.limits` under the name that users write."""

from teep.features.limits import (
    Limit,
    OverLimit,
    Usage,
    bucket,
    concurrent,
    leaky,
    points,
    unlimited,
    window,
)

__all__ = ["Limit", "OverLimit", "Usage", "bucket", "concurrent", "leaky", "points", "unlimited", "window"]
