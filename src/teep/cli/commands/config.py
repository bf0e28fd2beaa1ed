"""`teep config`: the settings of a worker that is started here, and the source of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from teep.cli import application
from teep.cli.flags import Flags
from teep.cli.options import AsJson, set_up_logs
from teep.cli.printing import print_json, print_table

if TYPE_CHECKING:
    from teep.config.sources.resolution import Settings


@dataclass(frozen=True)
class ConfigFlags(Flags):
    """A worker's flags, and the format to print."""

    as_json: AsJson = False


class _Row(NamedTuple):
    value: Any
    source: str


def config(flags: ConfigFlags) -> None:
    """Show the settings of a worker with these flags, and where each comes from.

    Flags override teep.configure in code, which overrides variables; these override the file, and the file the
    defaults. It imports the modules, as the worker does, and asks Redis nothing. Passwords are not shown.

    Example: [bold]teep config -C config/sidekiq.yml -e production[/bold]
    """
    from teep.config.default import install
    from teep.worker.startup.modules import load

    set_up_logs("WARNING")
    settings = flags.settings()
    install(settings)
    application.make_importable()
    for module in application.modules(settings.get("modules", [])):
        load(module)
    rows = _rows(settings)
    file = None if settings.file is None else str(settings.file)
    if flags.as_json:
        shown = {name: row._asdict() for name, row in rows.items()}
        print_json({"file": file, "ignored": list(settings.ignored), "settings": shown})
        return
    print_table(
        ["setting", "value", "from"],
        [(name, _text(name, row.value), row.source) for name, row in rows.items()],
        of_texts=True,
    )
    print(f"File: {file or 'none'}")
    for doubt in settings.doubts:
        print(f"In doubt: {doubt}")
    if settings.ignored:
        print(f"Of no use to teep there: {', '.join(settings.ignored)}")


def _rows(settings: "Settings") -> dict[str, _Row]:
    from teep.config.default import default_config, set_by_code
    from teep.config.sources.settings import CONFIG, SETTINGS
    from teep.worker.supervisor.launcher import SPAWNS

    usual = {"modules": [], "log_level": "INFO", "json_logs": False, "spawn": SPAWNS}
    made, by_code = default_config(), set_by_code()
    rows = {}
    for name in SETTINGS:
        value = getattr(made, name) if name in CONFIG else settings.get(name, usual.get(name))
        if name in by_code and name not in settings.flags:
            source = "code"
        else:
            source = settings.found[name].source if name in settings.found else "default"
        rows[name] = _Row(_plain(name, value), source)
    return rows


def _plain(name: str, value: Any) -> Any:
    """Return a setting for JSON, without secrets."""
    from teep.drivers.connections.urls import masked

    if name == "capsules":
        return {key: {"concurrency": one.concurrency, "queues": list(one.queues)} for key, one in value.items()}
    if name == "redis_url" and value is not None:
        return masked(value)
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


def _text(name: str, value: Any) -> str:
    """Return a setting for the table."""
    if value is None:
        return "(the embedded server)" if name == "redis_url" else ""
    match value:
        case bool():
            return "yes" if value else "no"
        case dict() if name == "capsules":
            return " ".join(f"{key}:{one['concurrency']}:{':'.join(one['queues'])}" for key, one in value.items())
        case dict():
            return " ".join(f"{key}={item}" for key, item in value.items())
        case list():
            return " ".join(value)
        case _:
            return str(value)
