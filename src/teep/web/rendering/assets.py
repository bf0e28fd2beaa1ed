"""Static files under names that hold their content's hash, so that browsers keep them for ever."""

import gzip
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

OWN = Path(__file__).parents[1] / "static"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}
_FOR_EVER = "public, max-age=31536000, immutable"


class _Asset(NamedTuple):
    data: bytes
    zipped: bytes
    media_type: str


class Assets:
    """The files of some folders, read once; `path` says under which path of the app one is served."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._paths: dict[str, str] = {}
        self._served: dict[str, _Asset] = {}
        for folder in folders:
            for file in sorted(folder.rglob("*")):
                if file.suffix in _TYPES:
                    self._add(file.relative_to(folder).as_posix(), file)

    def path(self, name: str) -> str:
        """Return the path of a file such as "teep.css" or "vendor/htmx-4.0.1.js"."""
        return self._paths[name]

    async def serve(self, request: Request) -> Response:
        """Answer with a file, zipped if the browser likes that."""
        asset = self._served.get(request.path_params["name"])
        if asset is None:
            raise HTTPException(404)
        headers = {"Cache-Control": _FOR_EVER, "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(asset.zipped, media_type=asset.media_type, headers=headers)
        return Response(asset.data, media_type=asset.media_type, headers=headers)

    def _add(self, name: str, file: Path) -> None:
        data = file.read_bytes()
        digest = hashlib.sha256(data).hexdigest()[:12]
        served = f"{file.stem}.{digest}{file.suffix}"
        self._paths[name] = f"static/{served}"
        self._served[served] = _Asset(data, gzip.compress(data, 9, mtime=0), _TYPES[file.suffix])


@cache
def assets_of(folders: tuple[Path, ...]) -> Assets:
    """Return the files of some folders; apps with the same ones share them."""
    return Assets(folders)
