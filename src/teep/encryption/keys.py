"""The keys: where they come from, and the ciphers made of them."""

import os
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from teep.errors import ConfigurationError
from teep.wire.fields.envelope import MAX_VERSION

if TYPE_CHECKING:
    from teep.encryption.aes import Cipher

KEY_BYTES = 32

KeyOf = Callable[[int], "bytes | None"]

_HEX = re.compile(rb"[0-9a-fA-F]{64}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{43}=?")


def from_env(name: str = "TEEP_KEY_{version}") -> KeyOf:
    """Return a function that reads keys from environment variables, for `enable`.

    Args:
        name: the variable's name; `{version}` stands for the key's version. It holds 32 bytes as 64 hex digits or as
            base64.
    """

    def key_of(version: int) -> bytes:
        variable = name.format(version=version)
        if variable not in os.environ:
            raise LookupError(f"the environment variable {variable} is not set")
        return _decoded(os.environ[variable].encode(errors="replace"), variable)

    return key_of


def from_file(path: str | Path) -> KeyOf:
    """Return a function that reads keys from files, such as mounted secrets, for `enable`.

    Args:
        path: the file's path; `{version}` stands for the key's version. It holds 32 bytes as they are, or as 64 hex
            digits or base64.
    """

    def key_of(version: int) -> bytes:
        file = Path(str(path).format(version=version))
        try:
            raw = file.read_bytes()
        except OSError as error:
            raise LookupError(f"{file} cannot be read: {error.strerror}") from error
        return raw if len(raw) == KEY_BYTES else _decoded(raw, str(file))

    return key_of


class Keyring:
    """Ciphers by their key's version. A key is looked up when it is first needed, and kept.

    Raises:
        ConfigurationError: the active version or a key does not fit, or `cryptography` is not installed.
    """

    def __init__(self, active_version: int, key: Mapping[int, bytes] | KeyOf) -> None:
        for version in (active_version, *(key if isinstance(key, Mapping) else ())):
            if type(version) is not int or not 0 <= version <= MAX_VERSION:
                raise ConfigurationError(f"a key's version must be a whole number up to 2**30 - 1, not {version!r}")
        self.active_version = active_version
        self._key_of = key.get if isinstance(key, Mapping) else key
        self._make = _cipher_class()
        self._ciphers: dict[int, Cipher] = {}
        for version in {active_version, *(key if isinstance(key, Mapping) else ())}:
            try:
                self.cipher(version)
            except LookupError as error:
                raise ConfigurationError(str(error)) from error

    def cipher(self, version: int) -> "Cipher":
        """Return the cipher of a version.

        Raises:
            LookupError: there is no such key here.
            ConfigurationError: the key does not have 32 bytes.
        """
        if version not in self._ciphers:
            self._ciphers[version] = self._make(version, self._key(version))
        return self._ciphers[version]

    def _key(self, version: int) -> bytes:
        try:
            key = self._key_of(version)
        except LookupError as error:
            raise LookupError(f"there is no key of version {version} here: {error}") from error
        if key is None:
            raise LookupError(f"there is no key of version {version} here")
        if not isinstance(key, bytes) or len(key) != KEY_BYTES:
            # The key itself is never shown, however wrong it is.
            found = f"{len(key)} bytes" if isinstance(key, bytes) else f"a {type(key).__name__}"
            raise ConfigurationError(f"the key of version {version} must be {KEY_BYTES} bytes, not {found}")
        return key


def _decoded(written: bytes, where: str) -> bytes:
    text = written.strip()
    if _HEX.fullmatch(text):
        return bytes.fromhex(text.decode())
    if _BASE64.fullmatch(text):
        return urlsafe_b64decode(text[:43].translate(bytes.maketrans(b"+/", b"-_")) + b"=")
    raise ConfigurationError(f"{where} must hold {KEY_BYTES} bytes, as 64 hex digits or as base64")


def _cipher_class() -> "type[Cipher]":
    try:
        from teep.encryption.aes import Cipher  # noqa: PLC0415 - cryptography is an extra, which not every program has
    except ModuleNotFoundError as error:
        raise ConfigurationError("encryption needs another package: pip install 'teep[encryption]'") from error
    return Cipher
