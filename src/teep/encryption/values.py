"""Values to envelopes and back, with the keys of this process.

The value inside an envelope is written in Ruby's Marshal format, as the envelope is. A value that is read may also be
JSON of a list with it as the only item.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from teep.encryption.keys import KeyOf, Keyring
from teep.errors import ConfigurationError, DecryptionError, InvalidArguments, MalformedPayload
from teep.wire import json
from teep.wire.fields import marshal
from teep.wire.fields.envelope import Envelope

_keyring: Keyring | None = None


def enable(*, active_version: int, key: Mapping[int, bytes] | KeyOf) -> None:
    """Let jobs with `encrypt=True` be pushed and run in this process. Call it where the jobs are defined.

    Args:
        active_version: the version of the key that encrypts; any other one only decrypts.
        key: the keys by version, or a function that returns a key by its version (None or a LookupError: there is no
            such key), such as `from_env()`. A key has 32 bytes. The function is called once for each version.

    Raises:
        ConfigurationError: a key does not fit, the active version's is missing, or `cryptography` is not installed.

    Sidekiq Enterprise's `Crypto.enable`.
    """
    global _keyring  # noqa: PLW0603 - one for the process, as in Sidekiq: the keys belong to no one Redis
    _keyring = Keyring(active_version, key)


def encrypt(value: Any) -> str:
    """Return the envelope of a value, which must be plain JSON. Each call gives another one.

    Raises:
        InvalidArguments: it is not plain JSON; the message does not show where, as that may be secret.
        ConfigurationError: `enable` was not called.
    """
    keyring = _enabled()
    if not _is_plain(value):
        raise InvalidArguments(
            "the argument to encrypt is not plain JSON; pass strings, finite numbers, booleans, None, lists and dicts"
        )
    return keyring.cipher(keyring.active_version).seal(marshal.dump(value)).text()


def decrypt(text: Any) -> Any:
    """Return the value in an envelope, such as the last of a job's `args`.

    Raises:
        DecryptionError: the key is another one or is missing, or the envelope was cut or altered. No error shows
            any of the value.
        ConfigurationError: `enable` was not called.
    """
    keyring = _enabled()
    try:
        envelope = Envelope.parse(text)
        cipher = keyring.cipher(envelope.version)
    except (MalformedPayload, LookupError) as error:
        raise DecryptionError(f"the encrypted argument cannot be read: {error}") from error
    return _value(cipher.open(envelope))


def _enabled() -> Keyring:
    if _keyring is None:
        raise ConfigurationError("encryption needs keys: call teep.encryption.enable(…) where the jobs are defined")
    return _keyring


def _is_plain(value: Any) -> bool:
    try:
        json.check(value, "")
    except InvalidArguments:
        return False
    return True


def _value(plaintext: bytes) -> Any:
    try:
        return marshal.load(plaintext) if plaintext.startswith(marshal.VERSION) else _from_json(plaintext)
    except MalformedPayload as error:
        raise DecryptionError(f"the encrypted value has a format that teep does not read: {error}") from error


def _from_json(plaintext: bytes) -> Any:
    with suppress(MalformedPayload):
        value = json.loads(plaintext)
        if type(value) is list and len(value) == 1:
            return value[0]
    # Raised outside, as the decoder's own error may hold the value.
    raise MalformedPayload("it is neither Marshal format 4.8 nor JSON of a list with one item")
