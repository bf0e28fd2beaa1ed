"""Joins the sources of settings: flags override code, code variables, variables a file, and a file the defaults.

Code is no part of this module: `default.install` puts its options between. Each setting remembers its source, and
problems are gathered, to be told all at once.
"""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from teep.config.capsules import CapsuleConfig
from teep.config.sources import files, variables
from teep.config.sources.document import Document, Entry
from teep.config.sources.settings import CONFIG, SETTINGS, Unreadable, has_text, is_typo, read_text, unknown
from teep.config.sources.variables import Found
from teep.config.value import ConfigValue
from teep.errors import ConfigurationError

C = TypeVar("C", bound=ConfigValue)

logger = logging.getLogger("teep")

FILE = variables.FILE
"""The variable that names the configuration file, or `none`."""


@dataclass(frozen=True)
class Settings:
    """The settings of flags, variables and a file.

    `flags` and `found` have settings by name: `found` all of them, each as the strongest of the three has it.
    `ignored` are keys of the file that mean nothing here. `problems` are sentences about values that could not be
    read, `doubts` about variables that look like typos of teep's.
    """

    flags: Mapping[str, Found]
    found: Mapping[str, Found]
    file: Path | None = None
    ignored: Sequence[str] = ()
    problems: Sequence[str] = ()
    doubts: Sequence[str] = ()

    def config(self, kind: type[C]) -> C:
        """Return the configuration, a `Config`, that they make, with defaults for the rest.

        Raises:
            ConfigurationError: every problem with them, each with its source.
        """
        problems = [*self.problems, *self._misfits()]
        try:
            config = kind(**self.options)
        except ConfigurationError as error:
            problems += [self._located(name, problem) for name, problem in error.problems.items()]
            raise ConfigurationError("; ".join(problems)) from None
        if problems:
            raise ConfigurationError("; ".join(problems))
        config.note_sources({name: entry.source for name, entry in self.found.items() if name in CONFIG})
        return config

    @property
    def options(self) -> dict[str, Any]:
        """The options of a `Config` among them."""
        return _options(self.found)

    @property
    def overrides(self) -> dict[str, Any]:
        """The options of a `Config` that flags give."""
        return _options(self.flags)

    def warn(self) -> None:
        """Log the doubts."""
        for doubt in self.doubts:
            logger.warning("%s", doubt)

    def get(self, name: str, otherwise: Any) -> Any:
        """Return the value of a setting, or `otherwise` if no source has one."""
        return self.found[name].value if name in self.found else otherwise

    def _misfits(self) -> Iterator[str]:
        """The problems of the settings that no `Config` will check."""
        modules = self.get("modules", [])
        if not isinstance(modules, list) or not all(isinstance(module, str) for module in modules):
            yield self._located(
                "modules", f"modules must be a list of strings, such as ['app.jobs'], not {modules!r}"
            )
        level = self.get("log_level", "INFO")
        if not isinstance(level, str) or not isinstance(logging.getLevelName(level.upper()), int):
            yield self._located(
                "log_level", f"there is no log level {level!r}; there are DEBUG, INFO, WARNING and ERROR"
            )
        for name in ("json_logs", "spawn"):
            if not isinstance(self.get(name, False), bool):
                yield self._located(name, f"{name} must be true or false, not {self.get(name, False)!r}")

    def _located(self, name: str, problem: str) -> str:
        return f"{problem} ({self.found[name].source})" if name in self.found else problem


def resolve(
    flags: Mapping[str, Found], file: Path | None = None, environ: Mapping[str, str] = os.environ
) -> Settings:
    """Return the settings of this process.

    Args:
        flags: those of the command line, by setting.
        file: the file to read; default the one that `TEEP_CONFIG` names, else the nearest from the working folder
            upward.
        environ: the environment's variables.

    Raises:
        ConfigurationError: the file cannot be read; its values are checked by `Settings.config`.
    """
    problems: list[str] = []
    said = _variables(environ, problems)
    path = _file(file, environ)
    doubts = list(variables.doubts(environ, SETTINGS))
    if path is None:
        return Settings(flags, {**said, **flags}, problems=problems, doubts=doubts)
    document = files.read(path)
    written, ignored = _file_settings(document, {**said, **flags}, problems)
    found = {**written, **said, **flags}
    _make_capsules(found, problems)
    return Settings(flags, found, path, ignored, problems, doubts)


def _options(found: Mapping[str, Found]) -> dict[str, Any]:
    return {name: entry.value for name, entry in found.items() if name in CONFIG}


def _file(named: Path | None, environ: Mapping[str, str]) -> Path | None:
    given = named or environ.get(FILE)
    if given is None or given == "":
        return files.discover()
    return None if str(given) == files.NONE else Path(given)


def _variables(environ: Mapping[str, str], problems: list[str]) -> dict[str, Found]:
    said = {}
    for name in SETTINGS:
        found = variables.find(name, environ) if has_text(name) else None
        if found is not None:
            try:
                said[name] = Found(read_text(name, found), found.source)
            except Unreadable as error:
                problems.append(str(error))
    return said


def _file_settings(
    document: Document, stronger: Mapping[str, Found], problems: list[str]
) -> tuple[dict[str, Found], list[str]]:
    """Return the file's settings, and its keys that are none; the environment's section overrides the top level."""
    top = {entry.name: entry.value for entry in document.top}
    environment = (
        stronger["environment"].value if "environment" in stronger else top.get("environment", "development")
    )
    section = document.sections.get(str(environment), ())
    # In a file of teep's own, a typo in any section is told, also if another section is used.
    checked = [section] if document.is_shared else document.sections.values()
    strangers = [entry for part in (document.top, *checked) for entry in part if entry.name not in SETTINGS]
    unforeseen = [entry for entry in strangers if entry.name not in document.foreign]
    typos = [entry for entry in unforeseen if not document.is_shared or is_typo(entry.name)]
    problems += [f"{unknown(entry.name, SETTINGS)} ({document.path}: {entry.key})" for entry in typos]
    settings = {entry.name: _found(document, entry) for entry in (*document.top, *section) if entry.name in SETTINGS}
    return settings, [entry.key for entry in strangers if entry not in typos]


def _found(document: Document, entry: Entry) -> Found:
    value = _queues(entry.value) if entry.name == "queues" else entry.value
    return Found(value, f"{document.path}: {entry.key}")


def _queues(value: Any) -> Any:
    """Return queues with those that are written as `[name, weight]` in teep's way; a weight of 0 is none."""
    return [_queue(queue) for queue in value] if isinstance(value, list) else value


def _queue(queue: Any) -> Any:
    match queue:
        case [str(name), int(weight)]:
            return f"{name},{weight}" if weight else name
        case _:
            return queue


def _make_capsules(found: dict[str, Found], problems: list[str]) -> None:
    """Turn a file's tables into capsules; one without a concurrency gets the process's own, as in Sidekiq."""
    capsules = found.get("capsules")
    if capsules is None or not isinstance(capsules.value, Mapping):
        return
    usual = {
        "concurrency": found["concurrency"].value if "concurrency" in found else ConfigValue.concurrency,
        "queues": (),
    }
    made: dict[str, Any] = {}
    for name, table in capsules.value.items():
        if not isinstance(table, Mapping):
            made[name] = table  # a capsule of the command line, or a value that Config will refuse
            continue
        strangers = [key for key in table if key not in usual]
        problems += [f"{unknown(key, usual)} ({capsules.source}.{name}.{key})" for key in strangers]
        said = {**usual, **table}
        made[name] = CapsuleConfig(concurrency=said["concurrency"], queues=_queues(said["queues"]))
    found["capsules"] = Found(made, capsules.source)
