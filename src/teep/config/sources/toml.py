"""Reads `teep.toml`, and the table `[tool.teep]` of a `pyproject.toml`."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from teep.config.sources.document import Document, Entry, text_of
from teep.errors import ConfigurationError

PROJECT = "pyproject.toml"
_SECTIONS = "environments"
_RENAMED = {"periodic": "schedule"}


def read_toml(path: Path) -> Document:
    """Read a file of teep's own.

    Raises:
        ConfigurationError: it is no TOML, or has no settings of teep's.
    """
    settings, prefix = _table(path), "tool.teep." if path.name == PROJECT else ""
    sections = settings.pop(_SECTIONS, {})
    if not isinstance(sections, Mapping) or not all(isinstance(section, Mapping) for section in sections.values()):
        raise ConfigurationError(f"{path}: {prefix}{_SECTIONS} must hold tables, such as [{prefix}{_SECTIONS}.test]")
    return Document(
        path,
        list(_entries(settings, prefix)),
        {name: list(_entries(section, f"{prefix}{_SECTIONS}.{name}.")) for name, section in sections.items()},
    )


def has_settings(path: Path) -> bool:
    """Tell whether a `pyproject.toml` has settings of teep's. One that cannot be read has none.

    Raises:
        ConfigurationError: it mentions teep, and is no TOML.
    """
    try:
        text = text_of(path)
    except ConfigurationError:
        return False
    return "teep" in text and _own(_parse(path)) is not None


def _table(path: Path) -> dict[str, Any]:
    document = _parse(path)
    if path.name != PROJECT:
        return document
    table = _own(document)
    if not isinstance(table, dict):
        raise ConfigurationError(f"{path} has no table [tool.teep]")
    return table


def _own(document: Mapping[str, Any]) -> Any:
    tools = document.get("tool")
    return tools.get("teep") if isinstance(tools, dict) else None


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text_of(path))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error


def _entries(table: Mapping[str, Any], prefix: str) -> Iterator[Entry]:
    return (Entry(_RENAMED.get(name, name), value, f"{prefix}{name}") for name, value in table.items())
