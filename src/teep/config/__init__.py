"""Configuration: one frozen value, validated whole, and where Redis comes from."""

from teep.config.capsules import CapsuleConfig
from teep.config.connections import async_driver_for, driver_for, redis_url_for
from teep.config.default import configure, default_config, extend_default, overridden
from teep.config.queues import QueueOrder
from teep.config.config import Config

__all__ = [
    "CapsuleConfig",
    "Config",
    "QueueOrder",
    "async_driver_for",
    "configure",
    "default_config",
    "driver_for",
    "extend_default",
    "overridden",
    "redis_url_for",
]
