"""AES-256-GCM: the only importer of `cryptography`, which is an extra."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from teep.errors import DecryptionError
from teep.wire.fields.envelope import IV_BYTES, TAG_BYTES, Envelope


class Cipher:
    """Encrypts values into envelopes, and decrypts them, with one key (32 bytes), which has a version."""

    def __init__(self, version: int, key: bytes) -> None:
        self._version = version
        self._gcm = AESGCM(key)

    def seal(self, plaintext: bytes) -> Envelope:
        """Return plaintext encrypted in an envelope; a fresh nonce makes each envelope another one."""
        iv = os.urandom(IV_BYTES)
        sealed = self._gcm.encrypt(iv, plaintext, None)
        return Envelope(sealed[-TAG_BYTES:], iv, self._version, sealed[:-TAG_BYTES])

    def open(self, envelope: Envelope) -> bytes:
        """Return the plaintext.

        Raises:
            DecryptionError: another key made the envelope, or it was altered since.
        """
        try:
            return self._gcm.decrypt(envelope.iv, envelope.blob + envelope.tag, None)
        except InvalidTag:
            raise DecryptionError(
                f"the encrypted argument was altered, or encrypted with another key of version {self._version}"
            ) from None
