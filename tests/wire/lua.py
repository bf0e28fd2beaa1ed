"""The names of every script in `wire/lua/`, as `load` takes them."""

from importlib import resources
from pathlib import Path

_FOLDER = Path(str(resources.files("teep.wire") / "lua"))

NAMES = sorted(
    path.relative_to(_FOLDER).with_suffix("").as_posix()
    for path in _FOLDER.rglob("*.lua")
    if "lib" not in path.relative_to(_FOLDER).parts
)
