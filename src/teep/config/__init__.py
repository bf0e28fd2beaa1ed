"""Configuration: one frozen value, validated whole; the hooks beside it; and the Redis to use."""

from teep.config.capsules import CapsuleConfig
from teep.config.config import Config, Extension
from teep.config.connections import async_driver_for, driver_for, redis_url_for
from teep.config.default import configure, default_config, extend_default, isolated, overridden
from teep.config.hooks import Hooks
from teep.config.queues import QueueOrder

__all__ = [
    "CapsuleConfig",
    "Config",
    "Extension",
    "Hooks",
    "QueueOrder",
    "async_driver_for",
    "configure",
    "default_config",
    "driver_for",
    "extend_default",
    "isolated",
    "overridden",
    "redis_url_for",
]
