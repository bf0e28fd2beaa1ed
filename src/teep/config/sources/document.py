"""The content of a configuration file, whatever its format."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from teep.errors import ConfigurationError


class Entry(NamedTuple):
    """A setting in a file: its name, its value, and the path of its key in the file."""

    name: str
    value: Any
    key: str


class Document(NamedTuple):
    """A file: the entries of its top level, those of each environment, and keys that mean nothing here.

    `is_shared` says that other programs keep keys in it, so an unknown key is no mistake. `foreign` are the known
    keys of those programs, even if one looks like a setting's name.
    """

    path: Path
    top: Sequence[Entry]
    sections: Mapping[str, Sequence[Entry]]
    foreign: Collection[str] = ()
    is_shared: bool = False


def text_of(path: Path) -> str:
    """Return a file's text.

    Raises:
        ConfigurationError: there is no such file, or it is not text.
    """
    try:
        return path.read_text("utf-8-sig")  # a byte order mark, as Windows writes it, is no text
    except FileNotFoundError:
        raise ConfigurationError(f"there is no configuration file {path}") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} cannot be read: it is not UTF-8") from error
