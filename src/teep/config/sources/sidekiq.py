"""Reads Sidekiq's own `sidekiq.yml`.

Keys may be Ruby's symbols (`:queues:`), a section named after the environment overrides the top level, and keys that
mean something only to Ruby, or to a gem, are left alone. Templates may read variables, and do nothing else.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from teep.config.sources import erb
from teep.config.sources.document import Document, Entry, text_of
from teep.config.sources.settings import CONFIG, SETTINGS, is_typo
from teep.config.sources.sidekiq_schedule import tables_of
from teep.errors import ConfigurationError

_RENAMED = {"dead_timeout_in_seconds": "dead_timeout"}
# Keys of Sidekiq itself that Python has no use for; `strict` is how queues without weights are served.
_RUBY_ONLY = frozenset({
    "require", "strict", "fetch_class", "fetch_setup", "scheduled_enq", "job_logger",
    "logged_job_attributes", "on_complex_arguments", "reloader", "backtrace_cleaner", "redis_idle_timeout",
    "identity", "thread_priority", "lifecycle_events", "error_handlers", "death_handlers", "daemon", "logfile",
    "pidfile",
})  # fmt: skip
# Keys of common gems, and of old Sidekiqs.
_GEMS = frozenset({
    "loglevel", "logger", "log_file", "index", "no_daemon", "profile", "poll_interval", "namespace", "url",
    "network_timeout", "rails_env", "environments", "workers", "enabled", "dynamic", "dynamic_every",
    "listened_queues_only", "rufus_scheduler_options", "cron_poll_interval", "cron_schedule_file", "blocking",
    "unlimited", "queue_groups", "reload_timeout", "lock_info", "max_requests", "scheduler",
})  # fmt: skip
MISSED = frozenset({"cron", "limits", "process_limits", "redis"})
"""Keys of gems that decide which jobs run, and that teep ignores: limits of queues, the Redis."""
_FOREIGN = _RUBY_ONLY | _GEMS | MISSED
_SYMBOL = re.compile(r""":(["']?)(.+)\1""")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_NUMERIC = (int, float, int | None, float | None)


def read_sidekiq(path: Path) -> Document:
    """Read a file of Sidekiq's. Symbols are the only objects of Ruby that it reads.

    Raises:
        ConfigurationError: there is Ruby code in it, or it is no YAML, or PyYAML is not installed.
    """
    settings = _load(path)
    sections = {key: value for key, value in settings.items() if _is_section(key, value)}
    top = {key: value for key, value in settings.items() if key not in sections}
    return Document(
        path,
        list(_entries(top, "")),
        {name: list(_entries(section, f"{name}.")) for name, section in sections.items()},
        foreign=_FOREIGN,
        is_shared=True,
    )


def _is_section(key: str, value: Any) -> bool:
    return isinstance(value, Mapping) and key not in SETTINGS and key not in _FOREIGN and not is_typo(key)


def _entries(settings: Mapping[str, Any], prefix: str) -> Iterator[Entry]:
    for key, value in settings.items():
        if key == "verbose":
            if value:
                yield Entry("log_level", "DEBUG", f"{prefix}{key}")
        elif key == "schedule":
            yield Entry(key, tables_of(value), f"{prefix}{key}")
        elif key == "scheduler" and isinstance(value, Mapping) and "schedule" in value:  # of sidekiq-scheduler 5
            yield Entry("schedule", tables_of(value["schedule"]), f"{prefix}{key}.schedule")
        else:
            name = _RENAMED.get(key, key)
            yield Entry(name, _value(name, value), f"{prefix}{key}")


def _value(name: str, value: Any) -> Any:
    """Return a setting's value: a quoted number is one, as Ruby's Integer() has it, and `[name]` is a queue."""
    if name == "queues" and isinstance(value, list):
        return [queue[0] if isinstance(queue, list) and len(queue) == 1 else queue for queue in value]
    if CONFIG.get(name) in _NUMERIC and isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value) if "." in value else int(value)
    return value


def _load(path: Path) -> dict[str, Any]:
    text = erb.render(text_of(path), os.environ, path)
    try:
        import yaml  # noqa: PLC0415 - an extra, for users of such a file
    except ImportError:
        raise ConfigurationError(f"{path} is YAML: to read it, pip install 'teep[yaml]'") from None
    try:
        settings = _plain(yaml.safe_load(text) or {})
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"{path} cannot be read: {error.problem} (line {line})") from error
    except (yaml.YAMLError, ValueError) as error:  # a ValueError is a date that does not exist
        raise ConfigurationError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(settings, dict):
        raise ConfigurationError(f"{path} must hold keys and values, such as concurrency: 10")
    return settings


def _plain(value: Any) -> Any:
    """Return a value with Ruby's symbols as the strings that they name."""
    if isinstance(value, dict):
        return {str(_plain(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    symbol = _SYMBOL.fullmatch(value) if isinstance(value, str) else None
    return symbol[2] if symbol else value
