"""The envelope of an encrypted argument: a string of url-safe base64, which holds what Ruby would call

    Marshal.dump(Sidekiq::Enc.new("aes-256-gcm", tag, iv, version, ciphertext))

A struct of one shape is always the same bytes around those four values: this shape alone is read, and nothing is
unmarshalled for it.
"""

import re
from base64 import urlsafe_b64encode
from binascii import a2b_base64
from typing import Any, NamedTuple

from teep.errors import MalformedPayload
from teep.wire.fields import marshal

ENCRYPTED = "[encrypted data]"
"""What is shown in place of an encrypted argument, as in Sidekiq."""

CIPHER = "aes-256-gcm"
TAG_BYTES, IV_BYTES = 16, 12
# Marshal's own integers end here; Ruby writes greater ones in another form.
MAX_VERSION = (1 << 30) - 1

_HEAD = marshal.VERSION + b'S:\x11Sidekiq::Enc\x0a:\x06cI"\x10' + CIPHER.encode() + b'\x06:\x06ET:\x08tag"\x15'
_IV = b':\x07iv"\x11'
_VERSION = b":\x06vi"
_BLOB = b':\x09blob"'
_TAG_AT = len(_HEAD)
_IV_AT = _TAG_AT + TAG_BYTES + len(_IV)
_VERSION_AT = _IV_AT + IV_BYTES + len(_VERSION)
_MOST_PADDING = 2
# The usual envelope: its version and the length of its blob are 1 to 122, each one byte that is greater by 5.
_USUAL = re.compile(
    b"%b(.{%d})%b(.{%d})%b([\x06-\x7f])%b([\x06-\x7f])(.*)"
    % (re.escape(_HEAD), TAG_BYTES, re.escape(_IV), IV_BYTES, re.escape(_VERSION), re.escape(_BLOB)),
    re.DOTALL,
)
# The other base64 has two characters for these; they are invalid here.
_FROM_URL = bytes.maketrans(b"-_+/", b"+/!!")


class Envelope(NamedTuple):
    """The content of an envelope: the authentication tag, the nonce, the key's version, and the ciphertext."""

    tag: bytes
    iv: bytes
    version: int
    blob: bytes

    @classmethod
    def parse(cls, text: Any) -> "Envelope":
        """Read an envelope, with or without base64's padding.

        Raises:
            MalformedPayload: it is cut, altered, or of another shape.
        """
        raw = _decoded(text)
        if usual := _USUAL.fullmatch(raw):
            tag, iv, number, length, blob = usual.groups()
            if length[0] - 5 == len(blob):
                return cls(tag, iv, number[0] - 5, blob)
        if not raw.startswith(_HEAD):
            raise MalformedPayload(f"it is no envelope of {CIPHER}")
        version, blob_at = marshal.read_integer(raw, _VERSION_AT)
        blob_at += len(_BLOB)
        _, start = marshal.read_integer(raw, blob_at)
        envelope = cls(raw[_TAG_AT : _TAG_AT + TAG_BYTES], raw[_IV_AT : _IV_AT + IV_BYTES], version, raw[start:])
        if not 0 <= version <= MAX_VERSION or envelope.raw() != raw:
            raise MalformedPayload("its envelope was cut or altered")
        return envelope

    def raw(self) -> bytes:
        """Return the struct's bytes, as Ruby would write them."""
        tag, iv, version, blob = self
        return b"%b%b%b%b%b%b%b%b%b" % (
            *(_HEAD, tag, _IV, iv, _VERSION, marshal.integer(version)),
            *(_BLOB, marshal.integer(len(blob)), blob),
        )

    def text(self) -> str:
        """Return the argument that takes the secret's place in a payload."""
        return urlsafe_b64encode(self.raw()).decode()


def is_envelope(value: Any) -> bool:
    """Tell whether an argument is an envelope already."""
    try:
        Envelope.parse(value)
    except MalformedPayload:
        return False
    return True


def _decoded(text: Any) -> bytes:
    """Return the bytes of url-safe base64, empty if it is something else."""
    if type(text) is not str or not text:
        return b""
    if len(text) % 4 or text.endswith("==="):
        bare = text.rstrip("=")
        if len(text) - len(bare) > _MOST_PADDING:
            return b""
        text = bare + "=" * (-len(bare) % 4)
    try:
        return a2b_base64(text.encode().translate(_FROM_URL), strict_mode=True)
    except ValueError:
        return b""
